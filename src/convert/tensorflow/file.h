// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <dotori/status.h>

#include "dotori_tensorflow.pb.h"

namespace dotori::convert::tensorflow {

// Errors begin with the path.
Result<dotori_tensorflow::GraphDef> read_graph_def(const std::string& path);

}  // namespace dotori::convert::tensorflow
