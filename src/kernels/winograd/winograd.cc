// SPDX-License-Identifier: Apache-2.0
#include "kernels/winograd/winograd.h"

namespace dotori::kernels {
namespace {

constexpr WinogradF32Kernel kKernels[] = {
#if defined(__x86_64__)
    {"winograd_f32_4x4__avx2", kIsaAvx2, winograd_input_f32__avx2, winograd_output_f32__avx2},
#elif defined(__aarch64__)
    {"winograd_f32_4x4__neon", kIsaNeon, winograd_input_f32__neon, winograd_output_f32__neon},
#else
    {nullptr, kIsaNone, nullptr, nullptr},
#endif
};

// G g of three numbers.
void transform3(const double (&g)[3], double (&t)[6]) noexcept {
  t[0] = g[0] / 4;
  t[1] = -(g[0] + g[1] + g[2]) / 6;
  t[2] = -(g[0] - g[1] + g[2]) / 6;
  t[3] = g[0] / 24 + g[1] / 12 + g[2] / 6;
  t[4] = g[0] / 24 - g[1] / 12 + g[2] / 6;
  t[5] = g[2];
}

}  // namespace

const WinogradF32Kernel* select_winograd_f32(Isa isa) noexcept {
  for (const WinogradF32Kernel& kernel : kKernels)
    if (kernel.name != nullptr && (kernel.isa & isa) == kernel.isa) return &kernel;
  return nullptr;
}

void winograd_weights_f32(const float* weights, size_t outputs, size_t channels, float* u) noexcept {
  for (size_t o = 0; o < outputs; ++o) {
    for (size_t c = 0; c < channels; ++c) {
      double rows[6][3];  // G g
      for (size_t x = 0; x < 3; ++x) {
        double g[3], t[6];
        for (size_t y = 0; y < 3; ++y) g[y] = static_cast<double>(weights[((o * 3 + y) * 3 + x) * channels + c]);
        transform3(g, t);
        for (size_t y = 0; y < 6; ++y) rows[y][x] = t[y];
      }
      for (size_t y = 0; y < 6; ++y) {
        double t[6];
        transform3(rows[y], t);
        for (size_t x = 0; x < 6; ++x) u[((y * 6 + x) * outputs + o) * channels + c] = static_cast<float>(t[x]);
      }
    }
  }
}

}  // namespace dotori::kernels
