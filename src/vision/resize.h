// SPDX-License-Identifier: Apache-2.0
// Separable resize of a part of a picture to float rows, one at a time.
#pragma once

#include <vector>

#include <dotori/vision.h>

namespace dotori::vision {

struct Rect {
  int x = 0, y = 0, width = 0, height = 0;
};

// The source samples and weights of each result sample along one axis.
//   centre(i) = (i + 0.5) * n_in / n_out;  weight(j) = max(0, 1 - |j + 0.5 - centre| / r), normalised to sum 1,
// with r = 1 (kBilinear) or max(1, n_in / n_out) (kAntialiased). Samples outside [0, n_in) are left out.
struct AxisWeights {
  struct Taps {
    int first = 0;   // source sample
    int count = 0;   // at least 1
    int offset = 0;  // of the first weight in `weights`
  };
  std::vector<Taps> taps;  // one for each result sample
  std::vector<float> weights;
};

// `in` and `out` at least 1.
AxisWeights axis_weights(int in, int out, ResizeFilter filter);

// Resizes `source` (inside `image`, sides at least 1) to width x height. Keeps a reference to `image`.
class Resizer {
 public:
  Resizer(const Image& image, const Rect& source, int width, int height, ResizeFilter filter);
  // Row `y` of the result, in [0, height): `width` RGB pixels, 0..255, written to `out`.
  void row(int y, float* out);

 private:
  const Image& image_;
  Rect source_;
  AxisWeights across_, down_;
  std::vector<float> column_sums_;  // the source rows of one result row, weighted and summed
};

}  // namespace dotori::vision
