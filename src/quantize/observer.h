// SPDX-License-Identifier: Apache-2.0
// From what a value holds over all samples to its encoding.
#pragma once

#include <cstdint>
#include <vector>

#include <dotori/span.h>

#include "quantize/encoding.h"
#include "quantize/quantize.h"

namespace dotori::quantize {

// First pass: extremes. Inputs must be finite; `finite` remembers.
struct Extremes {
  double low = 0, high = 0;                  // over everything, and 0
  double average_low = 0, average_high = 0;  // sums over the samples; divided by `samples` when read
  std::size_t samples = 0;
  bool finite = true;
  std::vector<float> channel_low, channel_high;  // by index along the last axis; empty for rank 0
  std::vector<double> channel_sum;               // likewise
  std::size_t channel_count = 0;                 // elements behind each sum

  void add(const TensorView& view);
};

// Second pass: 2048 bins over [low, high] of the first. Exact zeros are counted apart: quantising them costs nothing.
class Distribution {
 public:
  static constexpr std::size_t kBins = 2048;

  Distribution() = default;
  explicit Distribution(const Extremes& extremes);
  void add(Span<const float> elements);

  double low() const noexcept { return low_; }
  double high() const noexcept { return high_; }
  double bin_width() const noexcept { return width_; }
  double middle(std::size_t bin) const noexcept { return low_ + (static_cast<double>(bin) + 0.5) * width_; }
  const std::vector<double>& counts() const noexcept { return counts_; }
  double zeros() const noexcept { return zeros_; }
  double total() const noexcept { return total_; }  // without the zeros

 private:
  double low_ = 0, high_ = 0, width_ = 0;
  std::vector<double> counts_;
  double zeros_ = 0, total_ = 0;
};

struct Range {
  double low = 0, high = 0;
};

// How much an error counts.
struct Cost {
  // Times max(1, |y| / rms) for an element y: large values carry the answer, and clipping them must not look cheap
  // because they are rare.
  bool weighted = true;
  // When a value is only read by a unary function, what that function makes of the error. Most of a SiLU's input, all
  // that is far below zero, ends up as nothing.
  graph::Activation function;
};

// Expected squared error of an element quantised to 255 steps over `range`.
double expected_error(const Distribution& d, const Range& range, const Cost& cost) noexcept;

// Without `fraction` of the elements, taken from both ends where they are rarest.
Range percentile_range(const Distribution& d, double fraction) noexcept;
// Of the ranges that shrink [low, high] at both ends alike, the one whose 256 levels have the least Kullback-Leibler
// divergence from the distribution clipped to it (after S. Migacz, "8-bit inference with TensorRT", GTC 2017).
Range entropy_range(const Distribution& d) noexcept;
// The least expected_error() found by moving one end at a time.
Range least_error_range(const Distribution& d, const Cost& cost) noexcept;

// The encoding by `observer`; kAuto follows `cost`, kMse its function alone.
Encoding choose_encoding(const Extremes& extremes, const Distribution& d, Observer observer, const Cost& cost) noexcept;

}  // namespace dotori::quantize
