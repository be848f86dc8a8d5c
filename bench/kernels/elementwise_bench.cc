// SPDX-License-Identifier: Apache-2.0
// Element-wise, softmax and reduction kernels over data that stays in the cache: every row of the tables, the reference
// beside the vector kernels. "items" are elements.
#include <benchmark/benchmark.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/elementwise/elementwise.h"
#include "kernels/movement/movement.h"
#include "kernels/reduce/reduce.h"
#include "kernels/softmax/softmax.h"

namespace dotori::kernels {
namespace {

constexpr size_t kElems = 16384;

std::vector<float> wave(size_t n) {
  std::vector<float> v(n);
  for (size_t i = 0; i < n; ++i) v[i] = 4 * std::sin(static_cast<float>(i));
  return v;
}

void count_items(benchmark::State& state, size_t items) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(items));
}

void unary(benchmark::State& state, UnaryF32Fn run) {
  const std::vector<float> x = wave(kElems);
  std::vector<float> y(kElems);
  for (auto _ : state) {
    run(x.data(), y.data(), kElems, 0.1f, 0.5f);
    benchmark::DoNotOptimize(y.data());
  }
  count_items(state, kElems);
}

// 256 pixels of 64 channels; one operand repeats its row, as a channel bias does.
void binary(benchmark::State& state, BinaryF32Fn run) {
  const std::vector<float> a = wave(kElems), b = wave(kElems);
  std::vector<float> y(kElems);
  constexpr float kUnlimited = std::numeric_limits<float>::infinity();
  for (auto _ : state) {
    run(a.data(), 64, b.data(), 0, y.data(), 256, 64, -kUnlimited, kUnlimited);
    benchmark::DoNotOptimize(y.data());
  }
  count_items(state, kElems);
}

void softmax_rows(benchmark::State& state, const SoftmaxF32Kernel* kernel, size_t cols) {
  const size_t rows = kElems / cols;
  const std::vector<float> x = wave(rows * cols);
  std::vector<float> y(rows * cols);
  for (auto _ : state) {
    kernel->run_rows(x.data(), y.data(), rows, cols, 1);
    benchmark::DoNotOptimize(y.data());
  }
  count_items(state, rows * cols);
}

// Global average pooling of 7x7 pixels, and the mean of rows.
void reduce_columns(benchmark::State& state, const ReduceF32Kernel* kernel) {
  const std::vector<float> x = wave(49 * 320);
  std::vector<float> y(320);
  for (auto _ : state) {
    kernel->run_columns(x.data(), y.data(), 49, 320, 320);
    benchmark::DoNotOptimize(y.data());
  }
  count_items(state, x.size());
}

void reduce_rows(benchmark::State& state, const ReduceF32Kernel* kernel) {
  const std::vector<float> x = wave(kElems);
  std::vector<float> y(16);
  for (auto _ : state) {
    kernel->run_rows(x.data(), y.data(), 16, kElems / 16);
    benchmark::DoNotOptimize(y.data());
  }
  count_items(state, kElems);
}

void transpose(benchmark::State& state, size_t rows, size_t cols) {
  const int64_t dims[] = {static_cast<int64_t>(cols), static_cast<int64_t>(rows)};
  const int64_t src[] = {1, static_cast<int64_t>(cols)}, dst[] = {static_cast<int64_t>(rows), 1};
  const CopyLoops loops = plan_copy(dims, src, dst, 2, sizeof(float));
  const std::vector<float> x = wave(rows * cols);
  std::vector<float> y(rows * cols);
  for (auto _ : state) {
    copy_loops(loops, x.data(), y.data(), 0, loops.outer());
    benchmark::DoNotOptimize(y.data());
  }
  count_items(state, rows * cols);
}

void register_all() {
  size_t count = 0;
  const UnaryF32Kernel* unary_kernels = unary_f32_kernels(&count);
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), unary_kernels[i].isa))
      benchmark::RegisterBenchmark(unary_kernels[i].name, unary, unary_kernels[i].run);
  const BinaryF32Kernel* binary_kernels = binary_f32_kernels(&count);
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), binary_kernels[i].isa))
      benchmark::RegisterBenchmark(binary_kernels[i].name, binary, binary_kernels[i].run);
  const SoftmaxF32Kernel* softmax_kernels = softmax_f32_kernels(&count);
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), softmax_kernels[i].isa))
      for (size_t cols : {size_t{21}, size_t{1000}})
        benchmark::RegisterBenchmark((softmax_kernels[i].name + ("/" + std::to_string(cols))).c_str(), softmax_rows,
                                     softmax_kernels + i, cols);
  const ReduceF32Kernel* reduce_kernels = reduce_f32_kernels(&count);
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), reduce_kernels[i].isa)) {
      benchmark::RegisterBenchmark((reduce_kernels[i].name + std::string("/rows")).c_str(), reduce_rows,
                                   reduce_kernels + i);
      benchmark::RegisterBenchmark((reduce_kernels[i].name + std::string("/columns")).c_str(), reduce_columns,
                                   reduce_kernels + i);
    }
  for (size_t cols : {size_t{3}, size_t{85}, size_t{256}})
    benchmark::RegisterBenchmark(("transpose_b4/4096x" + std::to_string(cols)).c_str(), transpose, 4096, cols);
}

}  // namespace
}  // namespace dotori::kernels

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  dotori::kernels::register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
