// SPDX-License-Identifier: Apache-2.0
#include "kernels/winograd/winograd.h"

namespace dotori::kernels {
namespace {

constexpr WinogradF32Kernel kKernels[] = {
#if defined(__x86_64__)
#if !defined(DOTORI_NO_AVX512)
    {"winograd_f32_4x4__avx512", kIsaAvx512, winograd_input_f32__avx512, winograd_output_f32__avx512},
#endif
    {"winograd_f32_4x4__avx2", kIsaAvx2, winograd_input_f32__avx2, winograd_output_f32__avx2},
#elif defined(__aarch64__)
    {"winograd_f32_4x4__neon", kIsaNeon, winograd_input_f32__neon, winograd_output_f32__neon},
#else
    {nullptr, kIsaNone, nullptr, nullptr},
#endif
};

// Channels that are transformed together, in arrays that the compiler can put into vectors.
constexpr size_t kTogether = 64;
using Lanes = double[kTogether];

// Divisions would take most of the time.
constexpr double kSixth = 1.0 / 6, kTwelfth = 1.0 / 12, kTwentyFourth = 1.0 / 24;

// G g of three numbers in each lane.
void transform3(const Lanes (&g)[3], Lanes (&t)[6]) noexcept {
  for (size_t i = 0; i < kTogether; ++i) {
    const double ends = g[0][i] + g[2][i], wide = g[0][i] * kTwentyFourth + g[2][i] * kSixth;
    const double odd = g[1][i] * kTwelfth;
    t[0][i] = g[0][i] / 4;
    t[1][i] = (ends + g[1][i]) * -kSixth;
    t[2][i] = (ends - g[1][i]) * -kSixth;
    t[3][i] = wide + odd;
    t[4][i] = wide - odd;
    t[5][i] = g[2][i];
  }
}

}  // namespace

const WinogradF32Kernel* select_winograd_f32(Isa isa) noexcept {
  for (const WinogradF32Kernel& kernel : kKernels)
    if (kernel.name != nullptr && (kernel.isa & isa) == kernel.isa) return &kernel;
  return nullptr;
}

void winograd_weights_f32(const float* weights, size_t outputs, size_t channels, float* u) noexcept {
  for (size_t o = 0; o < outputs; ++o) {
    for (size_t c = 0; c < channels; c += kTogether) {
      const size_t count = channels - c < kTogether ? channels - c : kTogether;
      Lanes columns[3][6], g[3] = {}, rows[3], t[6];  // columns: G g, by x and y
      for (size_t x = 0; x < 3; ++x) {
        for (size_t y = 0; y < 3; ++y) {
          const float* from = weights + ((o * 3 + y) * 3 + x) * channels + c;
          for (size_t i = 0; i < count; ++i) g[y][i] = static_cast<double>(from[i]);
        }
        transform3(g, columns[x]);
      }
      for (size_t y = 0; y < 6; ++y) {
        for (size_t x = 0; x < 3; ++x)
          for (size_t i = 0; i < kTogether; ++i) rows[x][i] = columns[x][y][i];
        transform3(rows, t);
        for (size_t x = 0; x < 6; ++x) {
          float* to = u + ((y * 6 + x) * outputs + o) * channels + c;
          for (size_t i = 0; i < count; ++i) to[i] = static_cast<float>(t[x][i]);
        }
      }
    }
  }
}

}  // namespace dotori::kernels
