// SPDX-License-Identifier: Apache-2.0
// For x86 files: weights that come from the last-level cache or from memory are there in time when the inner loop of a
// product asks for them some kilobytes before.
#pragma once

#include <stdint.h>

namespace dotori::kernels {
namespace {

constexpr uintptr_t kAheadBytes = 8192;

// The line of 64 bytes that lies kAheadBytes behind `at`. Behind the last panel that is memory nobody needs, which a
// fetch may name all the same: it never faults.
inline void fetch_ahead(const void* at) noexcept {
  __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(at) + kAheadBytes), 0, 3);
}

}  // namespace
}  // namespace dotori::kernels
