// SPDX-License-Identifier: Apache-2.0
// Counters in Prometheus' text format.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace dotori::edge {

// Any thread may call any function.
class Metrics {
 public:
  void count_request(const std::string& route, int status, double ms, std::size_t photo_bytes);
  void count_rejected_photo();
  void count_reload(bool good);
  // `gauges`: name and value of what is known elsewhere.
  std::string text(long refused_connections, const std::map<std::string, double>& gauges) const;

 private:
  static constexpr std::array<double, 11> kBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                     0.5,   1,    2.5,   5,    10};  // seconds
  struct Histogram {
    std::array<std::uint64_t, 11> counts{};  // not cumulated
    std::uint64_t total = 0;
    double sum = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, std::uint64_t> requests_;
  std::map<std::string, Histogram> latencies_;
  std::uint64_t photo_bytes_ = 0, rejected_ = 0, reloads_good_ = 0, reloads_bad_ = 0;
};

}  // namespace dotori::edge
