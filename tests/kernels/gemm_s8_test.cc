// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/gemm_s8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::Random;

constexpr QuantizedOutput kPlain = {1, 0, -128, 127};

std::vector<GemmS8Kernel> runnable() {
  size_t count = 0;
  const GemmS8Kernel* kernels = gemm_s8_kernels(&count);
  std::vector<GemmS8Kernel> found;
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), kernels[i].isa)) found.push_back(kernels[i]);
  return found;
}

size_t index(int64_t i) {
  return static_cast<size_t>(i);
}

// Bytes whose extremes are frequent.
std::vector<int8_t> random_bytes(Random* random, size_t n, int low) {
  std::vector<int8_t> bytes(n);
  for (int8_t& b : bytes) {
    const int kind = random->integer(0, 7);
    b = static_cast<int8_t>(kind == 0 ? low : kind == 1 ? 127 : random->integer(low, 127));
  }
  return bytes;
}

// One product; rows at odd addresses, in an order of their own, with guards all around.
struct Problem {
  size_t taps, k, n;
  int32_t m;
  std::vector<int8_t> weights, rows;   // [n][taps][k], [taps][m][k]
  std::vector<int32_t> bias, row_add;  // [n], [m] or none
  std::vector<float> scale;            // [n]
  QuantizedOutput output = kPlain;

  Problem(size_t taps_, size_t k_, int32_t m_, size_t n_, bool with_row_add) : taps(taps_), k(k_), n(n_), m(m_) {
    Random random(taps * 1009 + k * 101 + n * 11 + index(m));
    weights = random_bytes(&random, n * taps * k, -127);
    rows = random_bytes(&random, taps * index(m) * k, -128);
    const int range = 400 * static_cast<int>(taps * k + 1);
    for (size_t j = 0; j < n; ++j) {
      bias.push_back(random.integer(-range, range));
      scale.push_back(random.uniform(0.1f, 2.0f) * 64.0f / static_cast<float>(range));
    }
    if (with_row_add)
      for (int32_t r = 0; r < m; ++r) row_add.push_back(random.integer(-range, range));
  }

  // [m][n].
  std::vector<int8_t> expected() const {
    std::vector<int8_t> values;
    for (int32_t r = 0; r < m; ++r) {
      for (size_t j = 0; j < n; ++j) {
        int64_t acc = int64_t{bias[j]} + (row_add.empty() ? 0 : row_add[index(r)]);
        for (size_t t = 0; t < taps; ++t)
          for (size_t i = 0; i < k; ++i)
            acc += int64_t{rows[(t * index(m) + index(r)) * k + i]} * weights[(j * taps + t) * k + i];
        EXPECT_GE(acc, std::numeric_limits<int32_t>::min());
        EXPECT_LE(acc, std::numeric_limits<int32_t>::max());
        values.push_back(requantize(static_cast<int32_t>(acc), scale[j], output));
      }
    }
    return values;
  }

  std::vector<int8_t> run(const GemmS8Kernel& kernel) const {
    const size_t mr = index(kernel.mr), a_bytes = index(kernel.a_bytes);
    const size_t padded_k = gemm_s8_round_up(k, index(kernel.kr));
    const size_t panel = gemm_s8_panel_bytes(kernel.nr, taps * padded_k);
    GuardedBuffer<int8_t> packed(panel * ((n + index(kernel.nr) - 1) / index(kernel.nr)), 0);
    std::vector<size_t> offsets;
    for (size_t t = 0; t < taps; ++t) offsets.push_back(t * k);
    pack_gemm_s8(weights.data(), taps * k, offsets.data(), taps, k, padded_k, bias.data(), scale.data(), n, kernel,
                 packed.data());
    EXPECT_TRUE(packed.guards_intact()) << kernel.name;

    const ptrdiff_t shift = 3;  // the pointers are 3 elements low, and a_offset makes up for it
    std::vector<const void*> a(taps * mr, nullptr);
    std::vector<std::unique_ptr<GuardedBuffer<int8_t>>> copies;
    for (size_t t = 0; t < taps; ++t) {
      for (size_t r = 0; r < index(m); ++r) {
        const size_t row = t * index(m) + r;
        copies.push_back(std::make_unique<GuardedBuffer<int8_t>>(padded_k * a_bytes, row % 5 * a_bytes));
        for (size_t i = 0; i < k; ++i) {
          const int16_t element = rows[row * k + i];
          std::memcpy(copies.back()->data() + i * a_bytes, &element, a_bytes);  // little-endian
        }
        // What lies behind the k elements must not matter.
        std::fill(copies.back()->data() + k * a_bytes, copies.back()->data() + padded_k * a_bytes, int8_t{77});
        a[t * mr + r] = copies.back()->data() - shift * kernel.a_bytes;
      }
    }
    std::vector<std::unique_ptr<GuardedBuffer<int8_t>>> out;
    std::vector<int8_t*> c;
    for (size_t r = 0; r < index(m); ++r) {
      out.push_back(std::make_unique<GuardedBuffer<int8_t>>(n, r % 3));
      c.push_back(out.back()->data() - 5);
    }
    GemmS8Strip strip{};
    strip.a = a.data();
    strip.a_offset = shift;
    strip.taps = taps;
    strip.k = padded_k;
    strip.panels = packed.data();
    strip.panel_stride = panel;
    strip.row_add = row_add.empty() ? nullptr : row_add.data();
    strip.c = c.data();
    strip.c_offset = 5;
    strip.m = m;
    strip.n = static_cast<int32_t>(n);
    strip.output = output;
    kernel.run(strip);

    std::vector<int8_t> values;
    for (const auto& row : out) {
      EXPECT_TRUE(row->guards_intact()) << kernel.name << " wrote beside a row: m " << m << " n " << n;
      for (size_t j = 0; j < n; ++j) values.push_back((*row)[j]);
    }
    return values;
  }
};

std::string describe(const GemmS8Kernel& kernel, const Problem& p) {
  return std::string(kernel.name) + " m " + std::to_string(p.m) + " n " + std::to_string(p.n) + " taps " +
         std::to_string(p.taps) + " k " + std::to_string(p.k);
}

TEST(GemmS8, EqualsTheExactSum) {
  for (const GemmS8Kernel& kernel : runnable()) {
    for (int32_t m = 1; m <= kernel.mr; ++m) {
      for (size_t n : {1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 40, 65, 71}) {
        for (const auto& [taps, k] :
             std::vector<std::pair<size_t, size_t>>{{1, 1}, {1, 7}, {2, 4}, {9, 3}, {3, 17}, {2, 24}, {1, 37}}) {
          const Problem problem(taps, k, m, n, (m + static_cast<int32_t>(n)) % 2 == 0);
          ASSERT_EQ(problem.run(kernel), problem.expected()) << describe(kernel, problem);
        }
      }
    }
  }
}

// Every depth up to past two blocks of any kernel.
TEST(GemmS8, EveryDepth) {
  for (const GemmS8Kernel& kernel : runnable()) {
    for (size_t k = 0; k <= 50; ++k) {
      for (size_t taps : {1, 2}) {
        const Problem problem(taps, k, kernel.mr, index(kernel.nr), true);
        ASSERT_EQ(problem.run(kernel), problem.expected()) << describe(kernel, problem);
      }
    }
  }
}

TEST(GemmS8, NoTapsGiveTheBias) {
  for (const GemmS8Kernel& kernel : runnable()) {
    const Problem problem(0, 16, 3, 19, true);
    ASSERT_EQ(problem.run(kernel), problem.expected()) << kernel.name;
  }
}

// The largest products of either sign: no step may saturate or wrap.
TEST(GemmS8, LargestProductsAtGreatDepth) {
  for (const GemmS8Kernel& kernel : runnable()) {
    for (int pattern = 0; pattern < 4; ++pattern) {
      for (int32_t m : {1, kernel.mr}) {
        Problem problem(1, 2048, m, 17, false);
        for (size_t i = 0; i < problem.rows.size(); ++i)
          problem.rows[i] = pattern < 3 ? int8_t{-128} : static_cast<int8_t>(i % 2 == 0 ? -128 : 127);
        for (size_t i = 0; i < problem.weights.size(); ++i) {
          const bool negative = pattern == 0 || (pattern >= 2 && i % 2 == 0);
          problem.weights[i] = static_cast<int8_t>(negative ? -127 : 127);
        }
        for (size_t j = 0; j < problem.n; ++j) {
          problem.bias[j] = static_cast<int32_t>(j) * 1000 - 7;
          problem.scale[j] = 3.6e-6f;
        }
        const std::vector<int8_t> expected = problem.expected();
        if (pattern != 2) {
          ASSERT_GT(std::abs(expected[0]), 64);
        }
        ASSERT_EQ(problem.run(kernel), expected) << describe(kernel, problem) << " pattern " << pattern;
      }
    }
  }
}

TEST(GemmS8, OutputRules) {
  const QuantizedOutput outputs[] = {{1, 0, -128, 127},   {1, -128, -128, 127},    {1, 127, -128, 127},
                                     {1, 5, 5, 127},      {1, -3, -3, 41},         {0.1f, 11, -128, 127},
                                     {0, -20, -128, 127}, {0.5f, -128, -128, 127}, {1, 17, 17, 17}};
  for (const GemmS8Kernel& kernel : runnable()) {
    for (const QuantizedOutput& output : outputs) {
      for (float factor : {1.0f, 1e-8f, 1e8f}) {
        for (int32_t m : {1, 2, kernel.mr}) {
          Problem problem(2, 16, m, 37, m == 2);
          problem.output = output;
          for (float& s : problem.scale) s *= factor;
          ASSERT_EQ(problem.run(kernel), problem.expected())
              << kernel.name << " slope " << output.slope << " zero point " << output.zero_point << " low "
              << output.low << " high " << output.high << " factor " << factor;
        }
      }
    }
  }
}

// Halves go to the even neighbour, and sums beyond 2^24 are rounded when they become floats.
TEST(GemmS8, Rounding) {
  for (const GemmS8Kernel& kernel : runnable()) {
    Problem problem(0, 0, kernel.mr, 130, false);
    for (size_t j = 0; j < problem.n; ++j) {
      problem.bias[j] = static_cast<int32_t>(j) - 65;
      problem.scale[j] = 0.5f;
    }
    ASSERT_EQ(problem.run(kernel), problem.expected()) << kernel.name;
    for (size_t j = 0; j < problem.n; ++j) {
      problem.bias[j] = (j % 2 == 0 ? 2147483647 : -2147483647) - static_cast<int32_t>(j % 2 == 0 ? j : 0) * 63;
      problem.scale[j] = 126.5f / 2147483648.0f;
    }
    ASSERT_EQ(problem.run(kernel), problem.expected()) << kernel.name;
  }
}

TEST(GemmS8, PackFillsColumnsAndDepthWithZeros) {
  // weights[3 columns][2 taps][3]; both taps in turned order, padded to 4.
  std::vector<int8_t> weights(18);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<int8_t>(i + 1);
  const size_t taps[] = {3, 0};
  const int32_t bias[] = {100, 200, 300};
  const float scale[] = {0.5f, 0.25f, 2};
  const GemmS8Kernel kernel = {"", kIsaNone, 1, 2, 2, 1, GemmS8Layout::kColumns, nullptr};
  const size_t panel = gemm_s8_panel_bytes(2, 8);
  ASSERT_EQ(panel, 64u);
  GuardedBuffer<int8_t> packed(2 * panel);
  pack_gemm_s8(weights.data(), 6, taps, 2, 3, 4, bias, scale, 3, kernel, packed.data());
  EXPECT_TRUE(packed.guards_intact());
  const auto* biases = reinterpret_cast<const int32_t*>(packed.data());
  const auto* scales = reinterpret_cast<const float*>(packed.data());
  EXPECT_EQ(biases[0], 100);
  EXPECT_EQ(biases[1], 200);
  EXPECT_EQ(scales[2], 0.5f);
  EXPECT_EQ(scales[3], 0.25f);
  EXPECT_EQ(biases[16], 300);
  EXPECT_EQ(biases[17], 0);
  EXPECT_EQ(scales[18], 2);
  EXPECT_EQ(scales[19], 1);
  EXPECT_EQ(std::vector<int8_t>(packed.data() + 16, packed.data() + 32),
            (std::vector<int8_t>{4, 5, 10, 11, 6, 0, 12, 0, 1, 2, 7, 8, 3, 0, 9, 0}));
  EXPECT_EQ(std::vector<int8_t>(packed.data() + 80, packed.data() + 96),
            (std::vector<int8_t>{16, 17, 0, 0, 18, 0, 0, 0, 13, 14, 0, 0, 15, 0, 0, 0}));
}

TEST(GemmS8, GatherPutsTapsBehindEachOther) {
  for (const GemmS8Kernel& kernel : runnable()) {
    const GemmS8GatherFn gather = select_gemm_s8_gather(kernel);
    const size_t a_bytes = index(kernel.a_bytes), a_step = 7;
    for (size_t taps : {0, 1, 3}) {
      for (size_t k = 1; k < 70; ++k) {
        const int32_t m = static_cast<int32_t>(k % 5) + 1;
        Random random(k * 3 + taps);
        std::vector<std::unique_ptr<GuardedBuffer<int8_t>>> runs;
        std::vector<const int8_t*> a(taps * a_step, nullptr);
        for (size_t t = 0; t < taps; ++t) {
          for (size_t r = 0; r < index(m); ++r) {
            runs.push_back(std::make_unique<GuardedBuffer<int8_t>>((t + r) % 3, random_bytes(&random, k, -128)));
            a[t * a_step + r] = runs.back()->data() - 9;
          }
        }
        const size_t row_bytes = gemm_s8_round_up(taps * k * a_bytes + 1, 64);
        GuardedBuffer<int8_t> to(row_bytes * index(m), 0);
        GuardedBuffer<int32_t> sums(index(m), 1);
        gather({a.data(), 9, a_step, taps, k, m, to.data(), row_bytes, sums.data()});
        ASSERT_TRUE(to.guards_intact() && sums.guards_intact());
        for (size_t r = 0; r < index(m); ++r) {
          int32_t sum = 0;
          for (size_t i = 0; i < row_bytes / a_bytes; ++i) {
            const int8_t want = i < taps * k ? runs[i / k * index(m) + r]->data()[i % k] : int8_t{0};
            int16_t found = 0;
            if (a_bytes == 2) std::memcpy(&found, to.data() + r * row_bytes + i * 2, 2);
            else found = to.data()[r * row_bytes + i];
            ASSERT_EQ(found, want) << kernel.name << " row " << r << " at " << i << ", k " << k;
            sum += want;
          }
          ASSERT_EQ(sums[r], sum) << kernel.name;
        }
      }
    }
  }
}

TEST(GemmS8, SelectsTheBestAllowed) {
  size_t count = 0;
  const GemmS8Kernel* kernels = gemm_s8_kernels(&count);
  EXPECT_STREQ(select_gemm_s8(~kIsaNone).name, kernels[0].name);
  EXPECT_STREQ(select_gemm_s8(kIsaNone).name, "gemm_s8_any__reference");
  EXPECT_STREQ(select_gemm_s8(kIsaPortable).name, "gemm_s8_any__reference");
#if defined(__aarch64__)
  EXPECT_EQ(select_gemm_s8(kIsaNeon | kIsaPortable).isa, kIsaNeon);
#endif
  for (size_t i = 0; i < count; ++i) {
    EXPECT_TRUE(kernels[i].a_bytes == 1 || kernels[i].a_bytes == 2);
    EXPECT_EQ(kernels[i].kr & (kernels[i].kr - 1), 0) << "kr is a power of two";
  }
}

}  // namespace
}  // namespace dotori::kernels
