// SPDX-License-Identifier: Apache-2.0
// The threads that compute, behind a queue of fixed length.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "analyse.h"

namespace dotori::edge {

class Workers {
 public:
  Workers(int threads, int queue, std::chrono::seconds patience);
  // Finishes what is queued.
  ~Workers();

  // The answer to come, or an invalid future when the queue is full. Any thread.
  std::future<Answer> submit(Request request);
  int waiting() const;
  int running() const;

 private:
  struct Job {
    Request request;
    std::promise<Answer> promise;
    std::chrono::steady_clock::time_point taken;
  };
  void work();

  const std::size_t queue_;
  const std::chrono::seconds patience_;
  mutable std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Job> jobs_;
  int running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dotori::edge
