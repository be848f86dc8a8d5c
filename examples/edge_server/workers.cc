// SPDX-License-Identifier: Apache-2.0
#include "workers.h"

namespace dotori::edge {

Workers::Workers(int threads, int queue, std::chrono::seconds patience)
    : queue_(static_cast<std::size_t>(queue)), patience_(patience) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Workers::~Workers() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  more_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::future<Answer> Workers::submit(Request request) {
  Job job{std::move(request), {}, std::chrono::steady_clock::now()};
  std::future<Answer> answer = job.promise.get_future();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_ || jobs_.size() >= queue_) return {};
    jobs_.push_back(std::move(job));
  }
  more_.notify_one();
  return answer;
}

int Workers::waiting() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<int>(jobs_.size());
}

int Workers::running() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return running_;
}

void Workers::work() {
  Analyser analyser;
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    more_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    ++running_;
    lock.unlock();
    const auto waited = std::chrono::steady_clock::now() - job.taken;
    // Whoever sent it has given up by now, or soon will: the time is better spent on a younger photo.
    job.promise.set_value(
        waited > patience_ ? error_answer(503, "the photo waited too long; try again")
                           : analyser.analyse(job.request, std::chrono::duration<double, std::milli>(waited).count()));
    job = Job();
    lock.lock();
    --running_;
  }
}

}  // namespace dotori::edge
