// SPDX-License-Identifier: Apache-2.0
// The part of verify() that looks at a graph's task.
#pragma once

#include <dotori/status.h>
#include <dotori/task.h>

#include <cstddef>

namespace dotori::graph {

// Enumerations known, outputs below `output_count`, numbers finite and in the ranges that task.h states, at most
// 100,000 labels and classes, 64 scales and 64 anchors a scale. A detector has a decoder, classes and scales; a
// segmenter a decoder.
Status verify_task(const TaskInfo& task, std::size_t output_count);

}  // namespace dotori::graph
