// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/cpu/row_stage.h"
#include "backends/plan.h"
#include "graph/ops/conv2d.h"

namespace dotori::backends::cpu {

// The part of conv2d's compile() for groups == input channels == output channels with constant weights.
Status compile_depthwise(const graph::Conv2d& op, CompileContext& context);
// The same as a link of a chain.
Result<std::unique_ptr<RowStage>> depthwise_stage(const graph::Conv2d& op, CompileContext& context);
// Alike for int8. kUnsupported names a channel whose int32 sum could overflow or whose factor is no normal float.
Status compile_depthwise_s8(const graph::Conv2d& op, CompileContext& context);

}  // namespace dotori::backends::cpu
