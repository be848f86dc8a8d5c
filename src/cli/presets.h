// SPDX-License-Identifier: Apache-2.0
// Ready-made task descriptions for well-known families of networks, so that `convert` needs one word instead of ten
// options.
#pragma once

#include <string>
#include <vector>

#include <dotori/span.h>
#include <dotori/task.h>

namespace dotori::cli {

struct Preset {
  const char* name;
  const char* summary;  // one line for --help
  TaskInfo (*make)();
};

// In the order --help lists them.
Span<const Preset> presets();
// nullptr when there is no such preset.
const Preset* find_preset(const std::string& name);
// The 80 class names of the COCO data set in the usual order of YOLO networks.
std::vector<std::string> coco80_labels();

}  // namespace dotori::cli
