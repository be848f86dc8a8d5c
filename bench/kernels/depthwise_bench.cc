// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution on one thread, float32 and int8: every kernel of the tables that fits each layer. GFLOP/s
// counts a multiply-add as two.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "kernels/depthwise/depthwise.h"
#include "kernels/depthwise/depthwise_s8.h"

namespace {

using dotori::kernels::DepthwiseF32;
using dotori::kernels::DepthwiseF32Kernel;
using dotori::kernels::DepthwiseS8;
using dotori::kernels::DepthwiseS8Kernel;

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

struct Sizes {
  explicit Sizes(const Layer& layer)
      : pad(layer.dilation * (layer.kernel - 1) / 2),
        out((layer.size + 2 * pad - layer.dilation * (layer.kernel - 1) - 1) / layer.stride + 1),
        channels(static_cast<std::size_t>(layer.channels)),
        taps(static_cast<std::size_t>(layer.kernel) * static_cast<std::size_t>(layer.kernel)),
        src_elems(static_cast<std::size_t>(layer.size) * static_cast<std::size_t>(layer.size) * channels),
        out_row(static_cast<std::size_t>(out) * channels) {}
  int pad, out;
  std::size_t channels, taps, src_elems, out_row;
};

// Conv: DepthwiseF32 or DepthwiseS8.
template <class Conv>
Conv describe(const Layer& layer, const void* packed) {
  const Sizes sizes(layer);
  Conv conv{};
  conv.packed = static_cast<decltype(conv.packed)>(packed);
  conv.in_h = conv.in_w = layer.size;
  conv.channels = layer.channels;
  conv.out_w = sizes.out;
  conv.kernel_h = conv.kernel_w = layer.kernel;
  conv.stride_h = conv.stride_w = layer.stride;
  conv.dilation_h = conv.dilation_w = layer.dilation;
  conv.pad_top = conv.pad_left = sizes.pad;
  return conv;
}

template <class T, class Conv, class Fn>
void run_rows(benchmark::State& state, const Layer& layer, const Conv& conv, Fn kernel, T value) {
  const Sizes sizes(layer);
  const std::vector<T> src(sizes.src_elems, value);
  std::vector<T> dst(static_cast<std::size_t>(sizes.out) * sizes.out_row);
  for (auto _ : state) {
    for (int y = 0; y < sizes.out; ++y)
      kernel(conv, src.data(), dst.data() + static_cast<std::size_t>(y) * sizes.out_row, y);
    benchmark::ClobberMemory();
  }
  const double flops = 2.0 * static_cast<double>(sizes.taps) * static_cast<double>(dst.size());
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void run_f32(benchmark::State& state, const Layer& layer, const DepthwiseF32Kernel& kernel) {
  const Sizes sizes(layer);
  const std::vector<float> weights(sizes.channels * sizes.taps, 0.25f);
  std::vector<float> packed(dotori::kernels::depthwise_f32_packed_elems(layer.channels, layer.kernel, layer.kernel));
  dotori::kernels::pack_depthwise_f32(weights.data(), nullptr, layer.channels, layer.kernel, layer.kernel,
                                      packed.data());
  DepthwiseF32 conv = describe<DepthwiseF32>(layer, packed.data());
  conv.low = 0;
  conv.high = std::numeric_limits<float>::infinity();
  run_rows(state, layer, conv, kernel.run, 0.5f);
}

struct alignas(64) Line {
  unsigned char bytes[64];
};

void run_s8(benchmark::State& state, const Layer& layer, const DepthwiseS8Kernel& kernel) {
  const Sizes sizes(layer);
  const std::vector<std::int8_t> weights(sizes.channels * sizes.taps, 33);
  const std::vector<float> scales(sizes.channels, 0.01f);
  const std::size_t bytes =
      dotori::kernels::depthwise_s8_packed_bytes(kernel.layout, layer.channels, layer.kernel, layer.kernel);
  std::vector<Line> packed(bytes / sizeof(Line) + 1);
  dotori::kernels::pack_depthwise_s8({weights.data(), nullptr, scales.data(), 0, 3}, kernel.layout, layer.channels,
                                     layer.kernel, layer.kernel, packed.data());
  DepthwiseS8 conv = describe<DepthwiseS8>(layer, packed.data());
  conv.output = {1.0f, -100, -100, 127};
  run_rows(state, layer, conv, kernel.run, std::int8_t{7});
}

}  // namespace

int main(int argc, char** argv) {
  using namespace dotori::kernels;
  std::size_t f32_count = 0, s8_count = 0;
  const DepthwiseF32Kernel* f32_kernels = depthwise_f32_kernels(&f32_count);
  const DepthwiseS8Kernel* s8_kernels = depthwise_s8_kernels(&s8_count);
  for (const Layer& layer : kLayers) {
    for (std::size_t i = 0; i < f32_count; ++i) {
      const DepthwiseF32Kernel& kernel = f32_kernels[i];
      if (!isa_covers(machine_isa(), kernel.isa)) continue;
      if (!depthwise_f32_fits(kernel, describe<DepthwiseF32>(layer, nullptr))) continue;
      benchmark::RegisterBenchmark((std::string(layer.name) + "/" + kernel.name).c_str(),
                                   [&layer, &kernel](benchmark::State& state) { run_f32(state, layer, kernel); });
    }
    for (std::size_t i = 0; i < s8_count; ++i) {
      const DepthwiseS8Kernel& kernel = s8_kernels[i];
      if (!isa_covers(machine_isa(), kernel.isa)) continue;
      if (!depthwise_s8_fits(kernel, describe<DepthwiseS8>(layer, nullptr), 127)) continue;
      benchmark::RegisterBenchmark((std::string(layer.name) + "/" + kernel.name).c_str(),
                                   [&layer, &kernel](benchmark::State& state) { run_s8(state, layer, kernel); });
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
