// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution on one thread: every kernel of the table that fits each layer. GFLOP/s counts a multiply-add as
// two.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "kernels/depthwise/depthwise.h"

namespace {

using dotori::kernels::DepthwiseF32;
using dotori::kernels::DepthwiseF32Kernel;

struct Layer {
  const char* name;
  int size, channels, kernel, stride, dilation;
};

constexpr Layer kLayers[] = {
    {"3x3s1_112x112x32", 112, 32, 3, 1, 1},  {"3x3s1_112x112x64", 112, 64, 3, 1, 1},
    {"3x3s2_112x112x96", 112, 96, 3, 2, 1},  {"3x3s1_56x56x144", 56, 144, 3, 1, 1},
    {"3x3s1_14x14x576", 14, 576, 3, 1, 1},   {"3x3s1_7x7x960", 7, 960, 3, 1, 1},
    {"3x3s1_28x28x58", 28, 58, 3, 1, 1},     {"5x5s2_56x56x72", 56, 72, 5, 2, 1},
    {"5x5s1_28x28x120", 28, 120, 5, 1, 1},   {"5x5s1_14x14x672", 14, 672, 5, 1, 1},
    {"5x5s1_7x7x960", 7, 960, 5, 1, 1},      {"7x7s1_28x28x128", 28, 128, 7, 1, 1},
    {"3x3s1d2_28x28x256", 28, 256, 3, 1, 2},
};

void run(benchmark::State& state, const Layer& layer, const DepthwiseF32Kernel& kernel) {
  const int pad = layer.dilation * (layer.kernel - 1) / 2;
  const int out = (layer.size + 2 * pad - layer.dilation * (layer.kernel - 1) - 1) / layer.stride + 1;
  const std::size_t channels = static_cast<std::size_t>(layer.channels);
  const std::size_t taps = static_cast<std::size_t>(layer.kernel) * static_cast<std::size_t>(layer.kernel);
  const std::size_t out_row = static_cast<std::size_t>(out) * channels;
  std::vector<float> src(static_cast<std::size_t>(layer.size) * static_cast<std::size_t>(layer.size) * channels, 0.5f);
  std::vector<float> dst(static_cast<std::size_t>(out) * out_row);
  const std::vector<float> weights(channels * taps, 0.25f);
  std::vector<float> packed(dotori::kernels::depthwise_f32_packed_elems(layer.channels, layer.kernel, layer.kernel));
  dotori::kernels::pack_depthwise_f32(weights.data(), nullptr, layer.channels, layer.kernel, layer.kernel,
                                      packed.data());
  DepthwiseF32 conv{};
  conv.packed = packed.data();
  conv.in_h = conv.in_w = layer.size;
  conv.channels = layer.channels;
  conv.out_w = out;
  conv.kernel_h = conv.kernel_w = layer.kernel;
  conv.stride_h = conv.stride_w = layer.stride;
  conv.dilation_h = conv.dilation_w = layer.dilation;
  conv.pad_top = conv.pad_left = pad;
  conv.low = 0;
  conv.high = std::numeric_limits<float>::infinity();
  for (auto _ : state) {
    for (int y = 0; y < out; ++y) kernel.run(conv, src.data(), dst.data() + static_cast<std::size_t>(y) * out_row, y);
    benchmark::ClobberMemory();
  }
  const double flops = 2.0 * static_cast<double>(taps) * static_cast<double>(dst.size());
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 0;
  const DepthwiseF32Kernel* kernels = dotori::kernels::depthwise_f32_kernels(&count);
  for (const Layer& layer : kLayers) {
    DepthwiseF32 sizes{};
    sizes.kernel_w = layer.kernel;
    sizes.stride_w = layer.stride;
    sizes.dilation_w = layer.dilation;
    for (std::size_t i = 0; i < count; ++i) {
      const DepthwiseF32Kernel& kernel = kernels[i];
      if (!dotori::kernels::isa_covers(dotori::kernels::machine_isa(), kernel.isa)) continue;
      if (!dotori::kernels::depthwise_f32_fits(kernel, sizes)) continue;
      benchmark::RegisterBenchmark((std::string(layer.name) + "/" + kernel.name).c_str(),
                                   [&layer, &kernel](benchmark::State& state) { run(state, layer, kernel); });
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
