// SPDX-License-Identifier: Apache-2.0
// A fixed set of threads that runs the tiles of one parallel_for at a time: bounded spin, then futex sleep.
#pragma once

#include <memory>

#include <dotori/status.h>

namespace dotori::backends {

// One caller at a time. The caller works too, so num_threads == 1 starts no thread.
class ThreadPool {
 public:
  // `num_threads` in 1..64. When the system refuses a thread, the pool has fewer (see size()).
  static Result<std::unique_ptr<ThreadPool>> create(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const noexcept;  // threads, the caller included

  // Calls task(index, worker) once for each index in [0, count), worker in [0, size()), in no particular order, and
  // returns when all calls have returned. No allocation. `task` must not call back into the pool.
  template <class Task>
  void parallel_for(int count, const Task& task) noexcept {
    run(
        count,
        [](const void* context, int index, int worker) noexcept {
          (*static_cast<const Task*>(context))(index, worker);
        },
        &task);
  }

 private:
  using Call = void (*)(const void* context, int index, int worker) noexcept;
  struct State;
  explicit ThreadPool(std::unique_ptr<State> state);
  void run(int count, Call call, const void* context) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace dotori::backends
