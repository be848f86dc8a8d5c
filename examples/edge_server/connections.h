// SPDX-License-Identifier: Apache-2.0
// The threads that talk: one a connection, up to a limit, and a few more that only say that the limit is reached.
#pragma once

#include <atomic>
#include <chrono>

#include "http.h"
#include "metrics.h"

namespace dotori::edge {

class Connections : public httplib::TaskQueue {
 public:
  // `request_time`: for a request to arrive whole.
  Connections(int limit, std::chrono::seconds request_time, Metrics& metrics);
  void enqueue(std::function<void()> serve) override;
  void shutdown() override;

  // The connection that this thread serves is one too many: every request is to be refused.
  static bool refuses();
  // A request was answered: the next one has its time anew, after `idle` at most.
  static void expect_next(std::chrono::seconds idle);

 private:
  void serve_one(const std::function<void()>& serve, bool refuse);

  const int limit_;
  const std::chrono::seconds request_time_;
  Metrics& metrics_;
  std::atomic<int> open_{0};
  httplib::ThreadPool guests_, doormen_;
};

}  // namespace dotori::edge
