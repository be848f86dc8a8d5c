// SPDX-License-Identifier: Apache-2.0
// Convolutions and fully connected layers as a session runs them, on one thread unless --threads=N: GMAC/s, and the
// share of what this core's multiply-add units can do (measured at the start; nothing to compare with where that is not
// known). Then bare products, s8_MxNxK: the int8 kernel with the copies of its rows, on one thread, beside the fp32
// kernel on the same sizes ("f32": GMAC/s of that; "of_f32": times as fast).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <dotori/dotori.h>

#include "cli/core_peak.h"
#include "graph/graph.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_s8.h"
#include "kernels/isa.h"

namespace {

using dotori::DataType;
using dotori::Shape;
namespace kernels = dotori::kernels;

struct Layer {
  const char* name;
  int size, in_c, out_c, kernel, stride, groups;  // size 0: fully connected, one vector
  bool transposed;
};

constexpr Layer kLayers[] = {
    {"3x3_56x56x64_64", 56, 64, 64, 3, 1, 1, false},         {"1x1_56x56x128_128", 56, 128, 128, 1, 1, 1, false},
    {"1x1_14x14x512_512", 14, 512, 512, 1, 1, 1, false},     {"3x3_26x26x256_256", 26, 256, 256, 3, 1, 1, false},
    {"3x3s2_224x224x3_32", 224, 3, 32, 3, 2, 1, false},      {"7x7s2_224x224x3_64", 224, 3, 64, 7, 2, 1, false},
    {"3x3_416x416x3_16", 416, 3, 16, 3, 1, 1, false},        {"3x3_13x13x512_1024", 13, 512, 1024, 3, 1, 1, false},
    {"3x3_208x208x16_32", 208, 16, 32, 3, 1, 1, false},      {"1x1_112x112x16_96", 112, 16, 96, 1, 1, 1, false},
    {"1x1_56x56x96_24", 56, 96, 24, 1, 1, 1, false},         {"1x1_7x7x960_160", 7, 960, 160, 1, 1, 1, false},
    {"1x1_7x7x320_1280", 7, 320, 1280, 1, 1, 1, false},      {"3x3g13_28x28x208_208", 28, 208, 208, 3, 1, 13, false},
    {"3x3g32_28x28x256_256", 28, 256, 256, 3, 1, 32, false}, {"t2x2s2_28x28x256_128", 28, 256, 128, 2, 2, 1, true},
    {"t3x3s2_28x28x128_64", 28, 128, 64, 3, 2, 1, true},     {"t4x4s2_28x28x128_64", 28, 128, 64, 4, 2, 1, true},
    {"fc_1280_1000", 0, 1280, 1000, 1, 1, 1, false},         {"fc_9216_4096", 0, 9216, 4096, 1, 1, 1, false},
};

dotori::graph::Graph make_graph(const Layer& layer) {
  dotori::graph::Graph g;
  const Shape shape = layer.size == 0 ? Shape({1, layer.in_c}) : Shape({1, layer.size, layer.size, layer.in_c});
  const Shape weights = layer.size == 0 ? Shape({layer.out_c, layer.in_c})
                                        : Shape({layer.out_c, layer.kernel, layer.kernel, layer.in_c / layer.groups});
  const auto x = g.add_input("x", DataType::kFloat32, shape);
  const auto w =
      g.add_constant_f32("w", weights, std::vector<float>(static_cast<std::size_t>(weights.elements()), 0.01f));
  const auto b =
      g.add_constant_f32("b", {layer.out_c}, std::vector<float>(static_cast<std::size_t>(layer.out_c), 0.1f));
  dotori::graph::Op op = dotori::graph::FullyConnected();
  const int pad = layer.kernel / 2;
  if (layer.transposed) {
    dotori::graph::ConvTranspose2d conv;
    conv.kernel_h = conv.kernel_w = layer.kernel;
    conv.stride_h = conv.stride_w = layer.stride;
    conv.groups = layer.groups;
    op = conv;
  } else if (layer.size != 0) {
    dotori::graph::Conv2d conv;
    conv.kernel_h = conv.kernel_w = layer.kernel;
    conv.stride_h = conv.stride_w = layer.stride;
    conv.groups = layer.groups;
    conv.pad_top = conv.pad_bottom = conv.pad_left = conv.pad_right = pad;
    conv.activation.function = dotori::graph::Function::kRelu;
    op = conv;
  }
  g.outputs.push_back(*g.add_node("layer", op, {x, w, b}));
  return g;
}

void run(benchmark::State& state, const Layer& layer, double peak, int threads) {
  dotori::graph::Graph graph = make_graph(layer);
  const double macs = static_cast<double>(dotori::graph::node_macs(graph, graph.nodes()[0]));
  auto model = dotori::Model::from_graph(std::move(graph));
  if (!model.ok()) return state.SkipWithError(model.status().message().c_str());
  dotori::SessionOptions options;
  options.num_threads = threads;
  auto session = dotori::Session::create(*model, options);
  if (!session.ok()) return state.SkipWithError(session.status().message().c_str());
  const dotori::TensorView input = session->input(0);
  std::fill(input.f32(), input.f32() + input.elements(), 0.5f);
  for (auto _ : state) {
    const dotori::Status status = session->run();
    if (!status.ok()) return state.SkipWithError(status.message().c_str());
  }
  using benchmark::Counter;
  state.counters["GMAC/s"] = Counter(macs * 1e-9, Counter::kIsIterationInvariantRate);
  if (peak > 0) state.counters["of_peak"] = Counter(macs * 1e-9 / (peak * threads), Counter::kIsIterationInvariantRate);
}

struct Product {
  std::size_t m, n, k;
};

constexpr Product kProducts[] = {{3136, 128, 128}, {196, 512, 512}, {3136, 64, 576}, {3136, 24, 96},
                                 {12544, 96, 16},  {3136, 144, 24}, {49, 160, 960},  {49, 1280, 320},
                                 {12544, 32, 32},  {1, 1000, 1280}, {1, 4096, 9216}};

std::string name(const Product& p) {
  return "s8_" + std::to_string(p.m) + "x" + std::to_string(p.n) + "x" + std::to_string(p.k);
}

// 64-byte aligned zeros.
template <class T>
std::vector<T> aligned(std::size_t n, T** data) {
  std::vector<T> memory(n + 64 / sizeof(T));
  const auto at = reinterpret_cast<std::uintptr_t>(memory.data());
  *data = memory.data() + ((at + 63) / 64 * 64 - at) / sizeof(T);
  return memory;
}

class ProductF32 {
 public:
  explicit ProductF32(const Product& p) : p_(p), a_(p.m * p.k, 0.5f), c_(p.m * p.n) {
    const std::vector<float> weights(p.n * p.k, 0.01f), bias(p.n, 0.1f);
    const std::size_t offset = 0;
    memory_ =
        aligned(kernels::gemm_f32_panels(kernel_.nr, p.n) * kernels::gemm_f32_panel_elems(kernel_.nr, p.k), &packed_);
    kernels::pack_gemm_f32(weights.data(), p.k, &offset, 1, p.k, bias.data(), p.n, kernel_.nr, packed_);
  }
  void run() {
    const auto mr = static_cast<std::size_t>(kernel_.mr);
    std::vector<const float*> a(mr);
    std::vector<float*> c(mr);
    kernels::GemmF32Strip s{};
    s.a = a.data();
    s.taps = 1;
    s.k = p_.k;
    s.b = packed_ + kernel_.nr;
    s.bias = packed_;
    s.panel_stride = kernels::gemm_f32_panel_elems(kernel_.nr, p_.k);
    s.c = c.data();
    s.n = static_cast<std::int32_t>(p_.n);
    s.low = 0;
    s.high = 1e30f;
    for (std::size_t first = 0; first < p_.m; first += mr) {
      s.m = static_cast<std::int32_t>(std::min(mr, p_.m - first));
      for (std::size_t r = 0; r < mr && first + r < p_.m; ++r) {
        a[r] = a_.data() + (first + r) * p_.k;
        c[r] = c_.data() + (first + r) * p_.n;
      }
      kernel_.run(s);
    }
    benchmark::ClobberMemory();
  }

 private:
  Product p_;
  const kernels::GemmF32Kernel& kernel_ = kernels::select_gemm_f32();
  std::vector<float> a_, c_, memory_;
  float* packed_ = nullptr;
};

class ProductS8 {
 public:
  explicit ProductS8(const Product& p)
      : p_(p),
        padded_k_(kernels::gemm_s8_round_up(p.k, static_cast<std::size_t>(kernel_.kr))),
        x_(p.m * p.k, 3),
        c_(p.m * p.n) {
    const auto nr = static_cast<std::size_t>(kernel_.nr);
    const std::vector<std::int8_t> weights(p.n * p.k, 5);
    const std::vector<std::int32_t> bias(p.n, 100);
    const std::vector<float> scale(p.n, 0.01f);
    const std::size_t offset = 0;
    stride_ = kernels::gemm_s8_panel_bytes(kernel_.nr, padded_k_);
    memory_ = aligned((p.n + nr - 1) / nr * stride_, &packed_);
    kernels::pack_gemm_s8(weights.data(), p.k, &offset, 1, p.k, padded_k_, bias.data(), scale.data(), p.n, kernel_,
                          packed_);
    row_bytes_ = kernels::gemm_s8_round_up(padded_k_ * static_cast<std::size_t>(kernel_.a_bytes), 64);
    rows_memory_ = aligned(static_cast<std::size_t>(kernel_.mr) * row_bytes_, &rows_);
  }
  void run() {
    const auto mr = static_cast<std::size_t>(kernel_.mr);
    const bool in_place = kernel_.a_bytes == 1 && padded_k_ == p_.k;
    std::vector<const std::int8_t*> x(mr);
    std::vector<const void*> a(mr);
    std::vector<std::int8_t*> c(mr);
    kernels::GemmS8Strip s{};
    s.a = a.data();
    s.taps = 1;
    s.k = padded_k_;
    s.panels = packed_;
    s.panel_stride = stride_;
    s.c = c.data();
    s.n = static_cast<std::int32_t>(p_.n);
    s.output = {1, -128, -128, 127};
    for (std::size_t first = 0; first < p_.m; first += mr) {
      s.m = static_cast<std::int32_t>(std::min(mr, p_.m - first));
      for (std::size_t r = 0; r < mr && first + r < p_.m; ++r) {
        x[r] = x_.data() + (first + r) * p_.k;
        a[r] = in_place ? static_cast<const void*>(x[r]) : rows_ + r * row_bytes_;
        c[r] = c_.data() + (first + r) * p_.n;
      }
      if (!in_place) gather_({x.data(), 0, mr, 1, p_.k, s.m, rows_, row_bytes_, nullptr});
      if (!in_place) gather_({x.data(), 0, mr, 1, p_.k, s.m, rows_, row_bytes_, nullptr});
      kernel_.run(s);
    }
    benchmark::ClobberMemory();
  }

 private:
  Product p_;
  const kernels::GemmS8Kernel& kernel_ = kernels::select_gemm_s8();
  const kernels::GemmS8GatherFn gather_ = kernels::select_gemm_s8_gather(kernel_);
  std::size_t padded_k_, stride_ = 0, row_bytes_ = 0;
  std::vector<std::int8_t> x_, c_;
  std::vector<char> memory_, rows_memory_;
  char* packed_ = nullptr;
  char* rows_ = nullptr;
};

// Seconds of one product, the best of nine rounds of at least two milliseconds.
template <class P>
double product_seconds(P* product) {
  double best = 1e30;
  for (int round = 0; round < 9; ++round) {
    const double start = dotori::thread_seconds();
    double now = start;
    int runs = 0;
    for (; now - start < 2e-3; ++runs, now = dotori::thread_seconds()) product->run();
    best = std::min(best, (now - start) / runs);
  }
  return best;
}

void run_product(benchmark::State& state, const Product& p) {
  const double gmacs = static_cast<double>(p.m * p.n * p.k) * 1e-9;
  ProductF32 f32(p);
  ProductS8 s8(p);
  const double f32_seconds = product_seconds(&f32), s8_seconds = product_seconds(&s8);
  for (auto _ : state) s8.run();
  state.counters["GMAC/s"] = gmacs / s8_seconds;
  state.counters["f32"] = gmacs / f32_seconds;
  state.counters["of_f32"] = f32_seconds / s8_seconds;
}

}  // namespace

int main(int argc, char** argv) {
  int threads = 1;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--threads=", 10) != 0) continue;
    threads = std::clamp(static_cast<int>(std::strtol(argv[i] + 10, nullptr, 10)), 1, 64);
    for (int j = i; j + 1 < argc; ++j) argv[j] = argv[j + 1];
    --argc;
    --i;
  }
  const double peak = dotori::measure_core_peak();
  std::printf("peak of one core: %.1f GMAC/s\n", peak);
  for (const Layer& layer : kLayers) {
    benchmark::internal::Benchmark* bench = benchmark::RegisterBenchmark(
        layer.name, [&layer, peak, threads](benchmark::State& state) { run(state, layer, peak, threads); });
    if (threads > 1) bench->UseRealTime();
  }
  for (const Product& p : kProducts)
    benchmark::RegisterBenchmark(name(p).c_str(), [&p](benchmark::State& state) { run_product(state, p); });
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
