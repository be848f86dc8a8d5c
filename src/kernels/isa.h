// SPDX-License-Identifier: Apache-2.0
// Instruction sets as a bit set. Kernels are selected with the set as a parameter, so one machine can ask for any
// choice.
#pragma once

#include <stdint.h>

namespace dotori::kernels {

using Isa = uint32_t;
constexpr Isa kIsaNone = 0;            // plain C++: the reference kernels
constexpr Isa kIsaAvx2 = 1u << 0;      // x86-64: AVX2 and FMA
constexpr Isa kIsaNeon = 1u << 1;      // aarch64: Advanced SIMD
constexpr Isa kIsaNeonDot = 1u << 2;   // aarch64: SDOT / UDOT (implies kIsaNeon)
constexpr Isa kIsaPortable = 1u << 3;  // every machine: kernels that leave the vectors to a library (Eigen)
constexpr Isa kInOrder = 1u << 4;      // aarch64: every core executes in order (Cortex-A53, A55, A510 …)
constexpr Isa kIsaAvx512 = 1u << 5;    // x86-64: AVX-512 F, BW, DQ and VL (implies kIsaAvx2)
constexpr Isa kIsaVnni = 1u << 6;      // x86-64: AVX-512 VNNI (implies kIsaAvx512)

// What this machine and the build have, lowered by the environment variable DOTORI_MAX_ISA ("none", "neon", "neon_dot",
// "avx2", "avx512"; anything else is ignored), read once. Thread-safe.
Isa host_isa() noexcept;
// What the machine has, whatever the environment says.
Isa machine_isa() noexcept;
// The best member: "avx512_vnni", "avx512", "avx2", "neon_dot", "neon" or "none". Static storage.
const char* isa_name(Isa isa) noexcept;
// Whether every "CPU part" in a file such as Linux's /proc/cpuinfo is a core that executes in order; false where there
// is none, or no such file.
bool all_cores_in_order(const char* cpuinfo) noexcept;
// True when every bit of `needed` is in `available`.
constexpr bool isa_covers(Isa available, Isa needed) noexcept {
  return (available & needed) == needed;
}

}  // namespace dotori::kernels
