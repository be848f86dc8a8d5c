// SPDX-License-Identifier: Apache-2.0
#include "quantize/observer.h"

#include <algorithm>
#include <cmath>

#include "quantize/function.h"

namespace dotori::quantize {

void Extremes::add(const TensorView& view) {
  const float* x = view.f32();
  if (x == nullptr) return;
  const std::int64_t count = view.elements();
  const std::int64_t channels = view.shape.rank() == 0 ? 1 : view.shape[view.shape.rank() - 1];
  const std::size_t width = static_cast<std::size_t>(channels);
  if (samples == 0) {
    channel_low.assign(width, x[0]);
    channel_high.assign(width, x[0]);
    channel_sum.assign(width, 0);
    for (std::size_t c = 0; c < width; ++c) channel_low[c] = channel_high[c] = x[c];
  }
  double least = 0, most = 0;
  for (std::int64_t i = 0; i < count; i += channels) {
    const float* row = x + i;
    for (std::size_t c = 0; c < width; ++c) {
      const float v = row[c];
      // NaN fails both comparisons of a range.
      if (!(v >= -3.0e38f && v <= 3.0e38f)) {
        finite = false;
        return;
      }
      channel_low[c] = std::min(channel_low[c], v);
      channel_high[c] = std::max(channel_high[c], v);
      channel_sum[c] += static_cast<double>(v);
      least = std::min(least, static_cast<double>(v));
      most = std::max(most, static_cast<double>(v));
    }
  }
  channel_count += static_cast<std::size_t>(count / channels);
  low = std::min(low, least);
  high = std::max(high, most);
  average_low += least;
  average_high += most;
  ++samples;
}

Distribution::Distribution(const Extremes& extremes)
    : low_(extremes.low),
      high_(extremes.high),
      width_((extremes.high - extremes.low) / static_cast<double>(kBins)),
      counts_(kBins, 0.0) {}

void Distribution::add(Span<const float> elements) {
  if (counts_.empty() || !(width_ > 0)) {
    zeros_ += static_cast<double>(elements.size());
    return;
  }
  const double per_bin = 1 / width_;
  for (float x : elements) {
    if (x == 0) {
      ++zeros_;
      continue;
    }
    const double position = std::clamp((static_cast<double>(x) - low_) * per_bin, 0.0, static_cast<double>(kBins - 1));
    ++counts_[static_cast<std::size_t>(position)];
    ++total_;
  }
}

double expected_error(const Distribution& d, const Range& range, const Cost& cost) noexcept {
  const double low = std::min(range.low, 0.0), high = std::max(range.high, 0.0);
  const double step = (high - low) / 255;
  const bool linear = cost.function.is_identity();
  const double all = std::max(1.0, d.total() + d.zeros());
  const auto f = [&](double x) { return linear ? x : apply(cost.function, x); };
  double rms = 0;
  if (cost.weighted) {
    for (std::size_t b = 0; b < d.counts().size(); ++b) {
      if (d.counts()[b] > 0) rms += d.counts()[b] * f(d.middle(b)) * f(d.middle(b));
    }
    rms = std::sqrt(rms / all);
  }
  double sum = 0;
  for (std::size_t b = 0; b < d.counts().size(); ++b) {
    if (d.counts()[b] == 0) continue;
    const double x = d.middle(b), y = f(x);
    double error = 0;
    if (x < low || x > high) {
      error = y - f(x < low ? low : high);
      error *= error;
    } else {
      // Rounding errors are spread evenly over a step.
      const double rise = linear ? step : f(x + step / 2) - f(x - step / 2);
      error = rise * rise / 12;
    }
    sum += d.counts()[b] * error * (rms > 0 ? std::max(1.0, std::fabs(y) / rms) : 1);
  }
  return sum / all;
}

Range percentile_range(const Distribution& d, double fraction) noexcept {
  const std::vector<double>& counts = d.counts();
  if (counts.empty()) return {d.low(), d.high()};
  double left = fraction * (d.total() + d.zeros());
  // The end whose outermost bin is emptier gives way, so that a one-sided distribution is clipped at its tail only.
  std::size_t first = 0, last = counts.size() - 1;
  while (first < last) {
    const bool below = counts[first] <= counts[last];
    const double dropped = below ? counts[first] : counts[last];
    // Zero stays inside.
    const bool holds_zero = below ? d.middle(first) + d.bin_width() / 2 >= 0 : d.middle(last) - d.bin_width() / 2 <= 0;
    const bool other_holds_zero =
        below ? d.middle(last) - d.bin_width() / 2 <= 0 : d.middle(first) + d.bin_width() / 2 >= 0;
    if (holds_zero && other_holds_zero) break;
    if (holds_zero) {
      const double other = below ? counts[last] : counts[first];
      if (other > left) break;
      left -= other;
      below ? --last : ++first;
      continue;
    }
    if (dropped > left) break;
    left -= dropped;
    below ? ++first : --last;
  }
  const double low = d.low() + static_cast<double>(first) * d.bin_width();
  const double high = d.low() + static_cast<double>(last + 1) * d.bin_width();
  return {std::min(low, 0.0), std::max(high, 0.0)};
}

Range entropy_range(const Distribution& d) noexcept {
  const std::vector<double>& counts = d.counts();
  if (counts.empty() || d.total() == 0) return {d.low(), d.high()};
  constexpr int kCandidates = 96;
  constexpr std::size_t kLevels = 256;
  Range best = {d.low(), d.high()};
  double least = 1e300;
  std::vector<double> level_sum(kLevels), level_bins(kLevels);
  for (int candidate = 0; candidate < kCandidates; ++candidate) {
    // From the whole range down to a 16th of it.
    const double part = std::pow(2.0, -4.0 * candidate / kCandidates);
    const Range range = {d.low() * part, d.high() * part};
    const double per_level = static_cast<double>(kLevels) / (range.high - range.low);
    std::fill(level_sum.begin(), level_sum.end(), 0.0);
    std::fill(level_bins.begin(), level_bins.end(), 0.0);
    const auto level_of = [&](double x) {
      return static_cast<std::size_t>(std::clamp((x - range.low) * per_level, 0.0, static_cast<double>(kLevels - 1)));
    };
    double beyond_low = 0, beyond_high = 0;
    std::size_t first = counts.size(), last = 0;
    for (std::size_t b = 0; b < counts.size(); ++b) {
      const double x = d.middle(b);
      if (x < range.low) {
        beyond_low += counts[b];
      } else if (x > range.high) {
        beyond_high += counts[b];
      } else {
        first = std::min(first, b);
        last = std::max(last, b);
        if (counts[b] == 0) continue;
        // The approximation knows nothing of what was clipped; the reference does.
        level_sum[level_of(x)] += counts[b];
        level_bins[level_of(x)] += 1;
      }
    }
    if (first > last) break;
    const double all = d.total(), inside = all - beyond_low - beyond_high;
    if (inside <= 0) break;
    double divergence = 0;
    for (std::size_t b = first; b <= last; ++b) {
      double p = counts[b];
      if (b == first) p += beyond_low;
      if (b == last) p += beyond_high;
      if (p == 0) continue;
      const std::size_t level = level_of(d.middle(b));
      // What was clipped into a bin that no level fills counts as if a little were there; never as a gain.
      constexpr double kLittle = 1e-4;
      if (counts[b] == 0) {
        divergence += std::max(0.0, p / all * std::log(p / all / kLittle));
        continue;
      }
      const double q = level_sum[level] / level_bins[level];
      divergence += p / all * std::log((p / all) / (q / inside));
    }
    if (divergence < least) {
      least = divergence;
      best = range;
    }
  }
  return best;
}

Range least_error_range(const Distribution& d, const Cost& cost) noexcept {
  Range best = {d.low(), d.high()};
  double least = expected_error(d, best, cost);
  constexpr int kRounds = 2, kSteps = 40;
  // Down to a 50th of the range where a function makes nothing of the rest.
  const double shrink = cost.function.is_identity() ? 0.95 : 0.905;
  for (int round = 0; round < kRounds; ++round) {
    for (int end = 0; end < 2; ++end) {
      const Range from = best;
      double part = 1;
      for (int step = 1; step < kSteps; ++step) {
        Range range = from;
        part *= shrink;
        (end == 0 ? range.low : range.high) *= part;
        const double error = expected_error(d, range, cost);
        if (error >= least) continue;
        least = error;
        best = range;
      }
    }
  }
  return best;
}

Encoding choose_encoding(const Extremes& extremes, const Distribution& d, Observer observer,
                         const Cost& cost) noexcept {
  using graph::RangeMethod;
  const double samples = static_cast<double>(std::max<std::size_t>(1, extremes.samples));
  const Range all = {extremes.low, extremes.high};
  const Range average = {extremes.average_low / samples, extremes.average_high / samples};
  const auto encode = [](const Range& r, RangeMethod m) { return encode_range(r.low, r.high, m); };
  constexpr double kPercentile = 1e-4;
  switch (observer) {
    case Observer::kMinMax: return encode(all, RangeMethod::kMinMax);
    case Observer::kAverage: return encode(average, RangeMethod::kAverage);
    case Observer::kPercentile: return encode(percentile_range(d, kPercentile), RangeMethod::kPercentile);
    case Observer::kEntropy: return encode(entropy_range(d), RangeMethod::kEntropy);
    case Observer::kMse: return encode(least_error_range(d, {false, cost.function}), RangeMethod::kMse);
    default: break;
  }
  struct Candidate {
    Range range;
    RangeMethod method;
  };
  const Candidate candidates[] = {
      {all, RangeMethod::kMinMax},
      {average, RangeMethod::kAverage},
      {percentile_range(d, 1e-3), RangeMethod::kPercentile},
      {percentile_range(d, 1e-4), RangeMethod::kPercentile},
      {percentile_range(d, 1e-5), RangeMethod::kPercentile},
      {entropy_range(d), RangeMethod::kEntropy},
      {least_error_range(d, cost), RangeMethod::kMse},
  };
  const Candidate* best = &candidates[0];
  double least = expected_error(d, best->range, cost);
  for (const Candidate& candidate : candidates) {
    const double error = expected_error(d, candidate.range, cost);
    // Clipping must pay: samples not seen yet may reach further.
    constexpr double kWorthIt = 0.97;
    if (error < least * kWorthIt) {
      least = error;
      best = &candidate;
    }
  }
  return encode(best->range, best->method);
}

}  // namespace dotori::quantize
