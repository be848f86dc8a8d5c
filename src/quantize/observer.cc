// SPDX-License-Identifier: Apache-2.0
#include "quantize/observer.h"

#include <algorithm>
#include <cmath>

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

namespace {

double error_of(const Distribution& d, const Range& range, bool weighted) {
  const double extent = std::max(range.high, 0.0) - std::min(range.low, 0.0);
  const double step = extent / 255;
  // Rounding errors are spread evenly over a step.
  const double inside = step * step / 12;
  double rms = 0;
  if (weighted) {
    for (std::size_t b = 0; b < d.counts().size(); ++b) rms += d.counts()[b] * d.middle(b) * d.middle(b);
    rms = std::sqrt(rms / std::max(1.0, d.total() + d.zeros()));
  }
  double sum = 0;
  for (std::size_t b = 0; b < d.counts().size(); ++b) {
    if (d.counts()[b] == 0) continue;
    const double x = d.middle(b);
    const double beyond = x < range.low ? range.low - x : x > range.high ? x - range.high : 0;
    const double weight = weighted && rms > 0 ? std::max(1.0, std::fabs(x) / rms) : 1;
    sum += d.counts()[b] * weight * (beyond > 0 ? beyond * beyond : inside);
  }
  return sum / std::max(1.0, d.total() + d.zeros());
}

}  // namespace

double expected_error(const Distribution& d, const Range& range) noexcept {
  return error_of(d, range, true);
}
double expected_mse(const Distribution& d, const Range& range) noexcept {
  return error_of(d, range, false);
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
      return static_cast<std::size_t>(
          std::clamp((x - range.low) * per_level, 0.0, static_cast<double>(kLevels - 1)));
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
      const double q = counts[b] > 0 ? level_sum[level] / level_bins[level] : 0;
      constexpr double kLeast = 1e-9;
      divergence += p / all * std::log((p / all) / std::max(q / inside, kLeast));
    }
    if (divergence < least) {
      least = divergence;
      best = range;
    }
  }
  return best;
}

Range least_error_range(const Distribution& d, bool weighted) noexcept {
  Range best = {d.low(), d.high()};
  double least = error_of(d, best, weighted);
  constexpr int kSteps = 48;
  for (int round = 0; round < 2; ++round) {
    for (int end = 0; end < 2; ++end) {
      const Range from = best;
      for (int step = 1; step < kSteps; ++step) {
        Range range = from;
        const double part = 1 - static_cast<double>(step) / kSteps;
        (end == 0 ? range.low : range.high) *= part;
        const double error = error_of(d, range, weighted);
        if (error >= least) continue;
        least = error;
        best = range;
      }
    }
  }
  return best;
}

Encoding choose_encoding(const Extremes& extremes, const Distribution& d, Observer observer) noexcept {
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
    case Observer::kMse: return encode(least_error_range(d, false), RangeMethod::kMse);
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
      {least_error_range(d, true), RangeMethod::kMse},
  };
  const Candidate* best = &candidates[0];
  double least = expected_error(d, best->range);
  for (const Candidate& candidate : candidates) {
    const double error = expected_error(d, candidate.range);
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
