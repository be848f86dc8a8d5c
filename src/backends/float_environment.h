// SPDX-License-Identifier: Apache-2.0
// Round-to-nearest-even with denormals kept, whatever the application set: the same bits in every thread.
#pragma once

#include <cstdint>

namespace dotori::backends {

// Sets the default floating-point environment of this thread and puts the old one back when destroyed.
class DefaultFloatEnvironment {
 public:
#if defined(__x86_64__)
  DefaultFloatEnvironment() noexcept : saved_(__builtin_ia32_stmxcsr()) {
    constexpr unsigned kDefault = 0x1F80;  // all exceptions masked, nearest, no flush to zero
    if ((saved_ & 0xFFC0u) != kDefault) __builtin_ia32_ldmxcsr(kDefault);
  }
  ~DefaultFloatEnvironment() {
    if ((saved_ & 0xFFC0u) != 0x1F80u) __builtin_ia32_ldmxcsr(saved_);
  }
#elif defined(__aarch64__)
  DefaultFloatEnvironment() noexcept {
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
    if (saved_ != 0) __asm__ volatile("msr fpcr, %0" : : "r"(std::uint64_t{0}));
  }
  ~DefaultFloatEnvironment() {
    if (saved_ != 0) __asm__ volatile("msr fpcr, %0" : : "r"(saved_));
  }
#else
  DefaultFloatEnvironment() noexcept : saved_(0) {}
#endif
  DefaultFloatEnvironment(const DefaultFloatEnvironment&) = delete;
  DefaultFloatEnvironment& operator=(const DefaultFloatEnvironment&) = delete;

 private:
#if defined(__x86_64__)
  unsigned saved_;
#else
  std::uint64_t saved_;
#endif
};

}  // namespace dotori::backends
