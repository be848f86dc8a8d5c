// SPDX-License-Identifier: Apache-2.0
// Sets of cores: which the process may use, which are large or small, and moving threads onto them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <dotori/cores.h>
#include <dotori/status.h>

namespace dotori::backends {

constexpr const char* kSystemCores = "/sys/devices/system/cpu";

// CPUs by the system's numbers, 0 to kMost - 1. A plain value.
class CoreSet {
 public:
  static constexpr int kMost = 1024;

  // Bit i: CPU i.
  static CoreSet of_mask(std::uint64_t mask) noexcept;
  // The first 64 CPUs.
  std::uint64_t mask() const noexcept { return words_[0]; }

  // `core` in [0, kMost).
  bool has(int core) const noexcept { return (words_[core / 64] >> (core % 64) & 1) != 0; }
  void add(int core) noexcept { words_[core / 64] |= std::uint64_t{1} << (core % 64); }
  int count() const noexcept;
  bool empty() const noexcept { return count() == 0; }
  bool contains(const CoreSet& other) const noexcept;
  CoreSet without(const CoreSet& other) const noexcept;
  // "0,2-3"; "none".
  std::string text() const;

  bool operator==(const CoreSet& other) const noexcept { return contains(other) && other.contains(*this); }

  // As the system calls take it.
  std::uint64_t* words() noexcept { return words_; }
  const std::uint64_t* words() const noexcept { return words_; }

 private:
  std::uint64_t words_[kMost / 64] = {};
};

// The cores that the calling thread may use; empty where the system does not tell. A core that is offline is not among
// them.
CoreSet allowed_cores() noexcept;

// The cores of a class among `allowed`, by the files below `root` (kSystemCores). Never empty unless `allowed` is.
CoreSet cores_of_class(CoreClass wanted, const CoreSet& allowed, const char* root) noexcept;

// What SessionOptions::cores and ::core_mask mean; empty for all cores, which asks for nothing. Errors:
// kInvalidArgument (a mask with cores that do not exist or are not in `allowed`), kUnsupported (`allowed` is empty).
Result<CoreSet> choose_cores(CoreClass wanted, std::uint64_t mask, const CoreSet& allowed, const char* root);

// Moves the calling thread to some cores and, when it ends, back to those it had before. Threads that are started
// meanwhile stay where they are born. Must end on the thread that began it. Allocates nothing.
//
// One system call when the thread is on such cores already. Otherwise five, because the system does not tell a thread
// that confined itself from one that its group confines: giving the latter its old cores back would confine it for ever
// (an app's thread, when the app comes to the foreground), so it gets all that the group has.
class CoreVisit {
 public:
  // An empty set: nothing happens.
  explicit CoreVisit(const CoreSet& cores) noexcept;
  ~CoreVisit();
  CoreVisit(const CoreVisit&) = delete;
  CoreVisit& operator=(const CoreVisit&) = delete;

  // 0, or why the system refused; the thread is then where it was.
  int error() const noexcept { return error_; }

 private:
  CoreSet before_;
  bool moved_ = false;
  int error_ = 0;
};

// "the system refuses …" for CoreVisit::error(). kUnsupported.
Status refused_cores(const CoreSet& cores, int error);

}  // namespace dotori::backends
