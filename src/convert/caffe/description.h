// SPDX-License-Identifier: Apache-2.0
// Caffe's two files: the description (.prototxt, protobuf text) and the weights (.caffemodel).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <dotori/status.h>

#include "dotori_caffe.pb.h"

namespace dotori::convert::caffe {

// Numbers of a layer, in Caffe's order.
struct Blob {
  std::vector<std::int64_t> shape;
  std::vector<float> data;  // as many as the shape says
};

using Blobs = std::map<std::string, std::vector<Blob>>;  // by layer name

// The layers that count when the network runs (phase TEST), with the notation of before 2015 brought up to date. Errors
// name the line.
Result<dotori_caffe::Net> read_description(const std::string& path);

// Errors: kCorruptModel, with the layer whose numbers do not fit its shape.
Result<Blobs> read_weights(const std::string& path);

}  // namespace dotori::convert::caffe
