// SPDX-License-Identifier: Apache-2.0
// The options of `convert` that say what a network is for.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include <dotori/status.h>
#include <dotori/task.h>

#include "graph/graph.h"

namespace dotori::cli {

struct TaskOptions {
  std::string preset, task, labels;
  std::string resize, order, mean, scale, std_dev, pad_value, crop;
  std::string decoder, anchors, strides, score_threshold, iou;
  int classes = 0;
  std::string mask, mask_threshold;
  bool min_max_norm = false, logits = false;
  int output = -1;

  void add_to(CLI::App& command);
  // Puts the preset (if any) and then every option that was given into graph.task; what was already there (a Darknet
  // file says it all) stays. Errors name the option, the value and what is accepted. The result fits the graph's
  // outputs.
  Status apply(graph::Graph& graph) const;
};

// One label a line, or a JSON array of strings.
Result<std::vector<std::string>> load_labels(const std::string& path);

}  // namespace dotori::cli
