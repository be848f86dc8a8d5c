// SPDX-License-Identifier: Apache-2.0
// Nearest or bilinear resampling of the two spatial axes, with every coordinate rule of ONNX and TFLite.
//   input: x [N,H,W,C]   output: [N,out_h,out_w,C]. float32 or int8. Samples outside the input repeat its border.
// Input and output sizes are 1 to 65,536.
// With s = scale (output / input; 0 means out_size / in_size) the input position of output index i is, per axis,
//   half_pixel            (i + 0.5) / s - 0.5
//   half_pixel_symmetric  as half_pixel, shifted so that the image centre stays when out_size != s * in_size (ONNX 19)
//   pytorch_half_pixel    as half_pixel, but 0 when out_size is 1
//   align_corners         i * (in_size - 1) / (out_size - 1), 0 when out_size is 1
//   asymmetric            i / s
//   tf_half_pixel_for_nn  (i + 0.5) / s
// Source: ONNX operator Resize, attribute coordinate_transformation_mode. TFLite: neither flag = asymmetric;
// half_pixel_centers = half_pixel (bilinear) or tf_half_pixel_for_nn with floor (nearest); align_corners nearest =
// round_prefer_ceil.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

// The numbers of these enumerations are stored in .dtr files: never change or reuse one.
enum class ResizeFilter : unsigned char { kNearest = 0, kBilinear = 1, kCount };
enum class CoordinateRule : unsigned char {
  kHalfPixel = 0,
  kPytorchHalfPixel = 1,
  kAlignCorners = 2,
  kAsymmetric = 3,
  kTfHalfPixelForNn = 4,
  kHalfPixelSymmetric = 5,
  kCount
};
enum class NearestRule : unsigned char { kRoundPreferFloor = 0, kRoundPreferCeil = 1, kFloor = 2, kCeil = 3, kCount };

// "bilinear", "half_pixel", "round_prefer_floor", …; static storage
const char* resize_filter_name(ResizeFilter f) noexcept;
const char* coordinate_rule_name(CoordinateRule r) noexcept;
const char* nearest_rule_name(NearestRule r) noexcept;

struct Resize2d {
  ResizeFilter filter = ResizeFilter::kNearest;
  CoordinateRule coordinates = CoordinateRule::kHalfPixel;
  NearestRule nearest = NearestRule::kRoundPreferFloor;  // kNearest only
  int out_h = 1, out_w = 1;
  float scale_h = 0, scale_w = 0;  // output / input as the source file states it; 0: out / in.
                                   // Else in [2^-16, 2^16] and within one pixel of the output size

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("filter", self.filter);
    f("coordinates", self.coordinates);
    f("nearest", self.nearest);
    f("out_h", self.out_h);
    f("out_w", self.out_w);
    f("scale_h", self.scale_h);
    f("scale_w", self.scale_w);
  }
};

Status infer(const Resize2d& op, Span<const Operand> inputs, Span<TensorType> outputs);

// The input position of output index `i` before rounding or interpolation (the table above). float32 arithmetic.
float resize_source_position(CoordinateRule rule, float scale, int in_size, int out_size, int i) noexcept;
// `position` rounded by `rule` and clamped to [0, in_size - 1].
int resize_nearest_index(NearestRule rule, float position, int in_size) noexcept;

}  // namespace dotori::graph
