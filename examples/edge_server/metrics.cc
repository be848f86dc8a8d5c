// SPDX-License-Identifier: Apache-2.0
#include "metrics.h"

#include <sstream>

namespace dotori::edge {

void Metrics::count_request(const std::string& route, int status, double ms, std::size_t photo_bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++requests_[{route, status}];
  photo_bytes_ += photo_bytes;
  Histogram& latency = latencies_[route];
  ++latency.total;
  latency.sum += ms / 1000;
  for (std::size_t i = 0; i < kBounds.size(); ++i)
    if (ms / 1000 <= kBounds[i]) {
      ++latency.counts[i];
      break;
    }
}

void Metrics::count_rejected_photo() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++rejected_;
}

void Metrics::count_reload(bool good) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++(good ? reloads_good_ : reloads_bad_);
}

std::string Metrics::text(long refused_connections, const std::map<std::string, double>& gauges) const {
  std::ostringstream out;
  const auto head = [&](const char* name, const char* type, const char* help) {
    out << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n';
  };
  const std::lock_guard<std::mutex> lock(mutex_);
  head("edge_requests_total", "counter", "Requests answered, by route and HTTP status.");
  for (const auto& [key, count] : requests_)
    out << "edge_requests_total{route=\"" << key.first << "\",status=\"" << key.second << "\"} " << count << '\n';
  head("edge_request_seconds", "histogram", "Time from the whole request to its answer.");
  for (const auto& [route, latency] : latencies_) {
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      below += latency.counts[i];
      out << "edge_request_seconds_bucket{route=\"" << route << "\",le=\"" << kBounds[i] << "\"} " << below << '\n';
    }
    out << "edge_request_seconds_bucket{route=\"" << route << "\",le=\"+Inf\"} " << latency.total << '\n'
        << "edge_request_seconds_sum{route=\"" << route << "\"} " << latency.sum << '\n'
        << "edge_request_seconds_count{route=\"" << route << "\"} " << latency.total << '\n';
  }
  head("edge_photo_bytes_total", "counter", "Bytes of photos received.");
  out << "edge_photo_bytes_total " << photo_bytes_ << '\n';
  head("edge_photos_rejected_total", "counter", "Photos refused because the queue was full.");
  out << "edge_photos_rejected_total " << rejected_ << '\n';
  head("edge_connections_refused_total", "counter", "Connections above the limit.");
  out << "edge_connections_refused_total " << refused_connections << '\n';
  head("edge_reloads_total", "counter", "Reloads of the models folder.");
  out << "edge_reloads_total{result=\"good\"} " << reloads_good_ << "\nedge_reloads_total{result=\"bad\"} "
      << reloads_bad_ << '\n';
  for (const auto& [name, value] : gauges) out << "# TYPE " << name << " gauge\n" << name << ' ' << value << '\n';
  return out.str();
}

}  // namespace dotori::edge
