// SPDX-License-Identifier: Apache-2.0
// Darknet's weights file: a header, then float32 numbers, layer after layer, without names or sizes.
#pragma once

#include <dotori/span.h>
#include <dotori/status.h>

#include <cstdint>
#include <vector>

#include "convert/darknet/layers.h"

namespace dotori::convert::darknet {

// The weights of one layer, batch normalisation folded in, in the graph's layout.
struct LayerWeights {
  std::vector<float>
      weights;              // convolutional: [O,size,size,I/groups]; connected: [O,H*W*C] with the input in NHWC order
  std::vector<float> bias;  // [O]
};

// Reads the layers' weights in their order. Does not own the bytes, which must outlive it.
class WeightsReader {
 public:
  // Reads the header (int32 major, minor, revision; the number of images seen, 32 or 64 bits by version) and checks
  // that the file has exactly as many bytes as `network` needs. Errors: kCorruptModel with both sizes.
  static Result<WeightsReader> open(Span<const unsigned char> bytes, const Network& network);

  // The next layer's weights; `layer` must be the network's next one that has any.
  LayerWeights read(const Layer& layer);

 private:
  WeightsReader(Span<const unsigned char> bytes, std::size_t position, bool transposed)
      : bytes_(bytes), position_(position), transposed_(transposed) {}
  std::vector<float> take(std::int64_t count);
  // y = scale * (x - mean) / sqrt(variance + epsilon) + bias, put into weights and bias; computed in double.
  struct BatchNorm {
    std::vector<float> scale, mean, variance;
  };
  BatchNorm take_batch_norm(std::int64_t channels);
  static void fold(const BatchNorm& norm, LayerWeights* layer);

  Span<const unsigned char> bytes_;
  std::size_t position_;
  bool transposed_;  // connected weights are stored [inputs][outputs]
};

}  // namespace dotori::convert::darknet
