// SPDX-License-Identifier: Apache-2.0
#include "backends/thread_pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <new>
#include <vector>

#include "backends/float_environment.h"

namespace dotori::backends {
namespace {

// Longer than the gap between two steps of a network, far shorter than between two frames. The rounds bound it where a
// pause is short, the time where it is long (25 ns on a Zen 3).
constexpr int kSpinRounds = 4000;
constexpr std::int64_t kSpinNs = 40'000;
constexpr int kRoundsOfLook = 64;  // between two looks at the clock

void pause_core() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

std::int64_t now_ns() noexcept {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// One bounded wait.
class Spin {
 public:
  // Waits a moment; false when it has been long enough.
  bool again() noexcept {
    pause_core();
    if (++rounds_ % kRoundsOfLook != 0) return true;
    if (rounds_ == kRoundsOfLook) start_ns_ = now_ns();
    else if (now_ns() - start_ns_ > kSpinNs) return false;
    return rounds_ < kSpinRounds;
  }

 private:
  int rounds_ = 0;
  std::int64_t start_ns_ = 0;
};

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept {
  static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void futex_wake_all(std::atomic<std::uint32_t>& word) noexcept {
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE_PRIVATE, 0x7fffffff, nullptr, nullptr, 0);
}

}  // namespace

// A job is published by raising `epoch`; workers take indices from `next` until `count`, then report in `done`. A
// worker takes part in a job only between its epoch and the caller's wait for all `done`, so the job's fields are never
// read while written.
struct ThreadPool::State {
  struct Worker {
    State* state = nullptr;
    int index = 0;
    pthread_t thread{};
  };

  std::vector<Worker> workers;
  alignas(64) std::atomic<std::uint32_t> epoch{0};
  std::atomic<std::uint32_t> sleepers{0};
  std::atomic<bool> stop{false};
  alignas(64) std::atomic<int> next{0};
  alignas(64) std::atomic<std::uint32_t> done{0};
  std::atomic<std::uint32_t> caller_sleeps{0};
  Call call = nullptr;
  const void* context = nullptr;
  int count = 0;
  pid_t owner = 0;

  void work(int worker) noexcept {
    for (;;) {
      const int i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= count) return;
      call(context, i, worker);
    }
  }

  std::uint32_t wait_for_epoch(std::uint32_t seen) noexcept {
    Spin spin;
    do {
      const std::uint32_t now = epoch.load(std::memory_order_acquire);
      if (now != seen) return now;
    } while (spin.again());
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    std::uint32_t now;
    while ((now = epoch.load(std::memory_order_seq_cst)) == seen) futex_wait(epoch, seen);
    sleepers.fetch_sub(1, std::memory_order_relaxed);
    return now;
  }

  void run_worker(int worker) noexcept {
    std::uint32_t seen = 0;
    for (;;) {
      seen = wait_for_epoch(seen);
      if (stop.load(std::memory_order_acquire)) return;
      work(worker);
      const std::uint32_t finished = done.fetch_add(1, std::memory_order_seq_cst) + 1;
      if (finished == workers.size() && caller_sleeps.load(std::memory_order_seq_cst) != 0) futex_wake_all(done);
    }
  }

  static void* thread_main(void* argument) {
    const DefaultFloatEnvironment environment;
    Worker* worker = static_cast<Worker*>(argument);
    worker->state->run_worker(worker->index);
    return nullptr;
  }

  void publish() noexcept {
    epoch.fetch_add(1, std::memory_order_seq_cst);
    if (sleepers.load(std::memory_order_seq_cst) != 0) futex_wake_all(epoch);
  }

  void wait_until_done() noexcept {
    const std::uint32_t all = static_cast<std::uint32_t>(workers.size());
    Spin spin;
    do {
      if (done.load(std::memory_order_acquire) == all) return;
    } while (spin.again());
    caller_sleeps.store(1, std::memory_order_seq_cst);
    std::uint32_t now;
    while ((now = done.load(std::memory_order_seq_cst)) != all) futex_wait(done, now);
    caller_sleeps.store(0, std::memory_order_relaxed);
  }
};

ThreadPool::ThreadPool(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<ThreadPool>> ThreadPool::create(int num_threads) {
  if (num_threads < 1 || num_threads > 64)
    return invalid_argument("number of threads is " + std::to_string(num_threads) + ", expected 1 to 64");
  auto state = std::make_unique<State>();
  state->owner = getpid();
  state->workers.resize(static_cast<std::size_t>(num_threads - 1));
  // Signals belong to the application's threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::size_t started = 0;
  for (State::Worker& worker : state->workers) {
    worker.state = state.get();
    worker.index = static_cast<int>(started) + 1;
    if (pthread_create(&worker.thread, nullptr, &State::thread_main, &worker) != 0) break;
    ++started;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  // Shrinking keeps the elements in place; the workers started so far have no job yet, so none reads the size.
  state->workers.resize(started);
  return std::unique_ptr<ThreadPool>(new ThreadPool(std::move(state)));
}

ThreadPool::~ThreadPool() {
  if (state_->workers.empty()) return;
  // A forked child has no workers to join; their memory is a copy that nobody uses.
  if (state_->owner != getpid()) return;
  state_->stop.store(true, std::memory_order_release);
  state_->publish();
  for (State::Worker& worker : state_->workers) pthread_join(worker.thread, nullptr);
}

int ThreadPool::size() const noexcept {
  return static_cast<int>(state_->workers.size()) + 1;
}

void ThreadPool::run(int count, Call call, const void* context) noexcept {
  State& s = *state_;
  if (count <= 1 || s.workers.empty()) {
    for (int i = 0; i < count; ++i) call(context, i, 0);
    return;
  }
  s.call = call;
  s.context = context;
  s.count = count;
  s.done.store(0, std::memory_order_relaxed);
  s.next.store(0, std::memory_order_relaxed);
  s.publish();
  s.work(0);
  s.wait_until_done();
}

}  // namespace dotori::backends
