// SPDX-License-Identifier: Apache-2.0
#include "cli/core_peak.h"

#include <time.h>

#include <algorithm>

#include "kernels/isa.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace dotori {
namespace {

constexpr int kRounds = 6000000;

#if defined(__x86_64__)
constexpr kernels::Isa kNeeded = kernels::kIsaAvx2;
// Twenty chains of sixteen lanes.
__attribute__((target("avx512f"))) double multiply_adds_avx512() noexcept {
  __m512 sum[20];
  for (__m512& s : sum) s = _mm512_set1_ps(1);
  const __m512 x = _mm512_set1_ps(0.5f);
  for (int i = 0; i < kRounds / 2; ++i) {
#pragma GCC unroll 20
    for (int j = 0; j < 20; ++j) sum[j] = _mm512_fmadd_ps(sum[j], x, x);
  }
  for (__m512& s : sum) __asm__ volatile("" : : "v"(s));
  return 160.0 * kRounds;
}
// Ten chains of eight lanes.
__attribute__((target("avx2,fma"))) double multiply_adds() noexcept {
  if ((kernels::host_isa() & kernels::kIsaAvx512) != 0) return multiply_adds_avx512();
  __m256 sum[10];
  for (__m256& s : sum) s = _mm256_set1_ps(1);
  const __m256 x = _mm256_set1_ps(0.5f);
  for (int i = 0; i < kRounds; ++i) {
#pragma GCC unroll 10
    for (int j = 0; j < 10; ++j) sum[j] = _mm256_fmadd_ps(sum[j], x, x);
  }
  for (__m256& s : sum) __asm__ volatile("" : : "x"(s));
  return 80.0 * kRounds;
}
#elif defined(__aarch64__)
constexpr kernels::Isa kNeeded = kernels::kIsaNeon;
// Sixteen chains of four lanes.
double multiply_adds() noexcept {
  float32x4_t sum[16];
  for (float32x4_t& s : sum) s = vdupq_n_f32(1);
  const float32x4_t x = vdupq_n_f32(0.5f);
  for (int i = 0; i < kRounds; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < 16; ++j) sum[j] = vfmaq_f32(x, sum[j], x);
  }
  for (float32x4_t& s : sum) __asm__ volatile("" : : "w"(s));
  return 64.0 * kRounds;
}
#else
constexpr kernels::Isa kNeeded = ~kernels::Isa{0};
double multiply_adds() noexcept {
  return 0;
}
#endif

}  // namespace

double thread_seconds() noexcept {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double measure_core_peak() noexcept {
  if (!kernels::isa_covers(kernels::machine_isa(), kNeeded)) return 0;
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    const double start = thread_seconds();
    const double macs = multiply_adds();
    best = std::max(best, macs / (thread_seconds() - start) * 1e-9);
  }
  return best;
}

}  // namespace dotori
