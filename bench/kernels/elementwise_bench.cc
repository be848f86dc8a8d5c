// SPDX-License-Identifier: Apache-2.0
// Element-wise, softmax and reduction kernels over data that stays in the cache: every row of the tables, the reference
// beside the vector kernels, int8 beside float32. "items" are elements.
#include <benchmark/benchmark.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/elementwise/binary_s8.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/movement/movement.h"
#include "kernels/quantize/quantize.h"
#include "kernels/quantize/table_math.h"
#include "kernels/reduce/reduce.h"
#include "kernels/reduce/reduce_s8.h"
#include "kernels/softmax/softmax.h"
#include "kernels/softmax/softmax_s8.h"

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

std::vector<int8_t> bytes(size_t n) {
  std::vector<int8_t> v(n);
  for (size_t i = 0; i < n; ++i) v[i] = static_cast<int8_t>(i * 37);
  return v;
}

void lookup_s8(benchmark::State& state, LookupS8Fn run) {
  const std::vector<int8_t> x = bytes(kElems), table = bytes(256);
  std::vector<int8_t> y(kElems);
  for (auto _ : state) {
    run(x.data(), 0, y.data(), 0, 1, kElems, table.data());
    benchmark::DoNotOptimize(y.data());
  }
  count_items(state, kElems);
}

void quantize_f32(benchmark::State& state, QuantizeF32Fn run) {
  const std::vector<float> x = wave(kElems);
  std::vector<int8_t> y(kElems);
  for (auto _ : state) {
    run(x.data(), y.data(), kElems, 0.05f, 3, 0);
    benchmark::DoNotOptimize(y.data());
  }
  count_items(state, kElems);
}

void dequantize_f32(benchmark::State& state, DequantizeF32Fn run) {
  const std::vector<int8_t> x = bytes(kElems);
  std::vector<float> y(kElems);
  for (auto _ : state) {
    run(x.data(), y.data(), kElems, 0.05f, 3, 0);
    benchmark::DoNotOptimize(y.data());
  }
  count_items(state, kElems);
}

void binary_s8(benchmark::State& state, BinaryS8Fn run) {
  const std::vector<int8_t> a = bytes(kElems), b = bytes(kElems);
  std::vector<int8_t> y(kElems);
  const BinaryS8 how = {0.4f, 0.7f, 3, -5, {1, 11, -128, 127}};
  for (auto _ : state) {
    run(a.data(), 64, b.data(), 0, y.data(), 256, 64, how);
    benchmark::DoNotOptimize(y.data());
  }
  count_items(state, kElems);
}

void prelu_s8(benchmark::State& state, PreluS8Fn run) {
  const std::vector<int8_t> x = bytes(kElems);
  const std::vector<float> negative(64, 0.1f);
  std::vector<int8_t> y(kElems);
  for (auto _ : state) {
    run(x.data(), 64, negative.data(), 0, y.data(), 256, 64, 0.9f, 3, {1, 11, -128, 127});
    benchmark::DoNotOptimize(y.data());
  }
  count_items(state, kElems);
}

void softmax_rows_s8(benchmark::State& state, const SoftmaxS8Kernel* kernel, size_t cols) {
  const size_t rows = kElems / cols;
  const std::vector<int8_t> x = bytes(rows * cols);
  std::vector<int8_t> y(rows * cols);
  int32_t table[256];
  make_softmax_table(0.05, table);
  const SoftmaxS8 how = {table, 256, {1, -128, -128, 127}};
  for (auto _ : state) {
    kernel->run_rows(x.data(), y.data(), rows, cols, how);
    benchmark::DoNotOptimize(y.data());
  }
  count_items(state, rows * cols);
}

void reduce_columns_s8(benchmark::State& state, const ReduceS8Kernel* kernel) {
  const std::vector<int8_t> x = bytes(49 * 320);
  std::vector<int8_t> y(320);
  for (auto _ : state) {
    kernel->run_columns(x.data(), y.data(), 49, 320, 320, {3, 0.02f, {1, -7, -128, 127}});
    benchmark::DoNotOptimize(y.data());
  }
  count_items(state, x.size());
}

void reduce_rows_s8(benchmark::State& state, const ReduceS8Kernel* kernel) {
  const std::vector<int8_t> x = bytes(kElems);
  std::vector<int8_t> y(16);
  for (auto _ : state) {
    kernel->run_rows(x.data(), y.data(), 16, kElems / 16, {3, 0.001f, {1, -7, -128, 127}});
    benchmark::DoNotOptimize(y.data());
  }
  count_items(state, kElems);
}

void register_s8() {
  size_t count = 0;
  const LookupS8Kernel* lookups = lookup_s8_kernels(&count);
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), lookups[i].isa))
      benchmark::RegisterBenchmark(lookups[i].name, lookup_s8, lookups[i].run);
  const QuantizeF32Kernel* quantizers = quantize_f32_kernels(&count);
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), quantizers[i].isa)) {
      benchmark::RegisterBenchmark(quantizers[i].name, quantize_f32, quantizers[i].quantize);
      benchmark::RegisterBenchmark(quantizers[i].dequantize_name, dequantize_f32, quantizers[i].dequantize);
    }
  const BinaryS8Kernel* binaries = binary_s8_kernels(&count);
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), binaries[i].isa))
      benchmark::RegisterBenchmark(binaries[i].name, binary_s8, binaries[i].run);
  const PreluS8Kernel* prelus = prelu_s8_kernels(&count);
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), prelus[i].isa)) benchmark::RegisterBenchmark(prelus[i].name, prelu_s8, prelus[i].run);
  const SoftmaxS8Kernel* softmaxes = softmax_s8_kernels(&count);
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), softmaxes[i].isa))
      for (size_t cols : {size_t{21}, size_t{1000}})
        benchmark::RegisterBenchmark((softmaxes[i].name + ("/" + std::to_string(cols))).c_str(), softmax_rows_s8,
                                     softmaxes + i, cols);
  const ReduceS8Kernel* reductions = reduce_s8_kernels(&count);
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), reductions[i].isa)) {
      benchmark::RegisterBenchmark((reductions[i].name + std::string("/rows")).c_str(), reduce_rows_s8, reductions + i);
      benchmark::RegisterBenchmark((reductions[i].name + std::string("/columns")).c_str(), reduce_columns_s8,
                                   reductions + i);
    }
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
  dotori::kernels::register_s8();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
