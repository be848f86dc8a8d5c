// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::Random;

constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<GemmF32Kernel> runnable() {
  size_t count = 0;
  const GemmF32Kernel* kernels = gemm_f32_kernels(&count);
  std::vector<GemmF32Kernel> found;
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa() | kInOrder, kernels[i].isa)) found.push_back(kernels[i]);
  return found;
}

// One product with random numbers; rows at odd addresses, in an order of their own, with guards all around.
struct Problem {
  size_t taps, k, n;
  int32_t m;
  std::vector<float> weights, bias;                         // [n][taps * k], [n]
  std::vector<std::unique_ptr<GuardedBuffer<float>>> rows;  // [taps][m]

  Problem(size_t taps_, size_t k_, int32_t m_, size_t n_) : taps(taps_), k(k_), n(n_), m(m_) {
    Random random(taps * 1009 + k * 101 + n * 11 + static_cast<size_t>(m));
    weights = random.floats(n * taps * k);
    bias = random.floats(n);
    for (size_t i = 0; i < taps * static_cast<size_t>(m); ++i)
      rows.push_back(std::make_unique<GuardedBuffer<float>>(i % 5, random.floats(k)));
  }
  float a(size_t t, int32_t r, size_t i) const {
    return (*rows[t * static_cast<size_t>(m) + static_cast<size_t>(r)])[i];
  }

  // In the kernel's own order, each step rounded once (a fused multiply-add) where `fused`, else in double; `k_cut` as
  // in run().
  double expected(int32_t r, size_t j, bool fused, size_t k_cut = 0) const {
    float result = bias[j], chain = 0;
    double sum = static_cast<double>(bias[j]);
    for (size_t t = 0; t < taps; ++t) {
      for (size_t i = 0; i < k; ++i) {
        const float b = weights[j * taps * k + t * k + i];
        chain = std::fma(a(t, r, i), b, chain);
        sum += static_cast<double>(a(t, r, i)) * static_cast<double>(b);
        if (k_cut != 0 && ((i + 1) % k_cut == 0 || i + 1 == k)) {
          result += chain;
          chain = 0;
        }
      }
    }
    return fused ? static_cast<double>(result + chain) : sum;
  }

  // [m][n], in calls of `k_cut` floats of K (0: all at once).
  std::vector<float> run(const GemmF32Kernel& kernel, float low = -kInf, float high = kInf, size_t k_cut = 0) const {
    const size_t panel = gemm_f32_panel_elems(kernel.nr, taps * k);
    GuardedBuffer<float> packed(panel * gemm_f32_panels(kernel.nr, n), 0);
    std::vector<size_t> offsets;
    for (size_t t = 0; t < taps; ++t) offsets.push_back(t * k);
    pack_gemm_f32(weights.data(), taps * k, offsets.data(), taps, k, bias.data(), n, kernel.nr, packed.data());
    EXPECT_TRUE(packed.guards_intact());

    const ptrdiff_t shift = 3;  // the pointers are 3 floats low, and a_offset makes up for it
    std::vector<const float*> pointers(taps * static_cast<size_t>(kernel.mr), nullptr);
    for (size_t t = 0; t < taps; ++t)
      for (int32_t r = 0; r < m; ++r)
        pointers[t * static_cast<size_t>(kernel.mr) + static_cast<size_t>(r)] =
            rows[t * static_cast<size_t>(m) + static_cast<size_t>(r)]->data() - shift;
    std::vector<std::unique_ptr<GuardedBuffer<float>>> out;
    std::vector<float*> c;
    for (int32_t r = 0; r < m; ++r) {
      out.push_back(std::make_unique<GuardedBuffer<float>>(n, static_cast<size_t>(r) % 3));
      c.push_back(out.back()->data() - 5);
    }
    GemmF32Strip strip{};
    strip.panel_stride = panel;
    strip.c = c.data();
    strip.c_offset = 5;
    strip.m = m;
    strip.n = static_cast<int32_t>(n);
    if (k_cut == 0) {
      strip.a = pointers.data();
      strip.a_offset = shift;
      strip.taps = taps;
      strip.k = k;
      strip.bias = packed.data();
      strip.b = packed.data() + kernel.nr;
      strip.low = low;
      strip.high = high;
      kernel.run(strip);
    } else {
      for (size_t t = 0; t < taps; ++t) {
        for (size_t i = 0; i < k; i += k_cut) {
          strip.a = pointers.data() + t * static_cast<size_t>(kernel.mr);
          strip.a_offset = shift + static_cast<ptrdiff_t>(i);
          strip.taps = 1;
          strip.k = std::min(k_cut, k - i);
          strip.bias = t == 0 && i == 0 ? packed.data() : nullptr;
          strip.b = packed.data() + static_cast<size_t>(kernel.nr) * (1 + t * k + i);
          const bool last = t + 1 == taps && i + strip.k == k;
          strip.low = last ? low : -kInf;
          strip.high = last ? high : kInf;
          kernel.run(strip);
        }
      }
    }
    std::vector<float> values;
    for (const auto& row : out) {
      EXPECT_TRUE(row->guards_intact()) << kernel.name << " wrote beside a row: m " << m << " n " << n;
      for (size_t j = 0; j < n; ++j) values.push_back((*row)[j]);
    }
    return values;
  }
};

bool is_fused(const GemmF32Kernel& kernel) {
  return (kernel.isa & (kIsaAvx2 | kIsaAvx512 | kIsaNeon)) != 0;
}

TEST(GemmF32, MatchesTheSumInOrder) {
  for (const GemmF32Kernel& kernel : runnable()) {
    for (int32_t m = 1; m <= kernel.mr; ++m) {
      for (size_t n : {1, 3, 4, 5, 8, 9, 15, 16, 17, 24, 31, 40, 65}) {
        for (const auto& [taps, k] : std::vector<std::pair<size_t, size_t>>{{1, 1}, {1, 7}, {2, 4}, {9, 3}, {3, 17}}) {
          const Problem problem(taps, k, m, n);
          const std::vector<float> found = problem.run(kernel);
          for (int32_t r = 0; r < m; ++r) {
            for (size_t j = 0; j < n; ++j) {
              const double y = static_cast<double>(found[static_cast<size_t>(r) * n + j]);
              const double expected = problem.expected(r, j, is_fused(kernel));
              // Vector kernels: the same bits.
              ASSERT_NEAR(y, expected, is_fused(kernel) ? 0.0 : 1e-6 * static_cast<double>(taps * k + 1))
                  << kernel.name << " m " << m << " n " << n << " taps " << taps << " k " << k << " at " << r << ", "
                  << j;
            }
          }
        }
      }
    }
  }
}

TEST(GemmF32, DeepSums) {
  for (const GemmF32Kernel& kernel : runnable()) {
    const Problem problem(2, 700, kernel.mr, 20);
    const std::vector<float> found = problem.run(kernel);
    for (int32_t r = 0; r < kernel.mr; ++r)
      for (size_t j = 0; j < 20; ++j)
        ASSERT_NEAR(static_cast<double>(found[static_cast<size_t>(r) * 20 + j]),
                    problem.expected(r, j, is_fused(kernel)), is_fused(kernel) ? 0.0 : 1e-4)
            << kernel.name;
  }
}

TEST(GemmF32, NoTapsGiveTheBias) {
  for (const GemmF32Kernel& kernel : runnable()) {
    const Problem problem(0, 4, 3, 19);
    const std::vector<float> found = problem.run(kernel, -0.5f, 0.25f);
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_EQ(found[i], std::fmin(std::fmax(problem.bias[i % 19], -0.5f), 0.25f)) << kernel.name;
  }
}

// K in several calls: each adds its sum to c, and the clamp belongs to the last.
TEST(GemmF32, CutsOfKAddUp) {
  for (const GemmF32Kernel& kernel : runnable()) {
    for (size_t n : {5, 16, 23}) {
      const Problem problem(2, 21, kernel.mr - 1, n);
      const std::vector<float> found = problem.run(kernel, -0.5f, 0.5f, 8);
      for (int32_t r = 0; r < problem.m; ++r)
        for (size_t j = 0; j < n; ++j)
          ASSERT_NEAR(static_cast<double>(found[static_cast<size_t>(r) * n + j]),
                      std::fmin(std::fmax(problem.expected(r, j, is_fused(kernel), 8), -0.5), 0.5),
                      is_fused(kernel) ? 0.0 : 1e-5)
              << kernel.name;
    }
  }
}

// A row gives the same bits alone and in every tile, also from Eigen.
TEST(GemmF32, TilePositionDoesNotChangeTheBits) {
  for (const GemmF32Kernel& kernel : runnable()) {
    const Problem whole(1, 300, kernel.mr, 37);
    const std::vector<float> all = whole.run(kernel);
    for (int32_t r = 0; r < kernel.mr; ++r) {
      Problem single(1, 300, 1, 37);
      single.weights = whole.weights;
      single.bias = whole.bias;
      single.rows[0] = std::make_unique<GuardedBuffer<float>>(1, whole.rows[static_cast<size_t>(r)]->values());
      const std::vector<float> row = single.run(kernel);
      for (size_t j = 0; j < 37; ++j)
        EXPECT_EQ(row[j], all[static_cast<size_t>(r) * 37 + j]) << kernel.name << " row " << r;
    }
  }
}

TEST(GemmF32, ClampKeepsNan) {
  for (const GemmF32Kernel& kernel : runnable()) {
    Problem problem(1, 3, 2, 18);
    (*problem.rows[1])[2] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> found = problem.run(kernel, 0, 6);
    for (size_t j = 0; j < 18; ++j) {
      EXPECT_GE(found[j], 0) << kernel.name;
      EXPECT_LE(found[j], 6) << kernel.name;
      EXPECT_TRUE(std::isnan(found[18 + j])) << kernel.name;
    }
  }
}

TEST(GemmF32, PackPutsTapsOfStridedColumnsInPanels) {
  // weights[column][4 taps][2]; taps 3 and 1 are wanted.
  std::vector<float> weights(3 * 8);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i);
  const size_t taps[] = {6, 2};
  std::vector<float> packed(2 * gemm_f32_panel_elems(2, 4), -1);
  pack_gemm_f32(weights.data(), 8, taps, 2, 2, nullptr, 3, 2, packed.data());
  EXPECT_EQ(packed, (std::vector<float>{0, 0, 6,  14, 7,  15, 2,  10, 3,  11,  //
                                        0, 0, 22, 0,  23, 0,  18, 0,  19, 0}));
}

TEST(GemmF32, SelectsTheBestAllowed) {
  size_t count = 0;
  const GemmF32Kernel* kernels = gemm_f32_kernels(&count);
  EXPECT_STREQ(select_gemm_f32(~kIsaNone).name, kernels[0].name);
  EXPECT_STREQ(select_gemm_f32(kIsaPortable).name, "gemm_f32_any__eigen");
  EXPECT_STREQ(select_gemm_f32(kIsaNone).name, "gemm_f32_any__reference");
}

bool in_order(const std::string& cpuinfo) {
  const std::string path = ::testing::TempDir() + "cpuinfo";
  FILE* file = fopen(path.c_str(), "wb");
  fwrite(cpuinfo.data(), 1, cpuinfo.size(), file);
  fclose(file);
  const bool all = all_cores_in_order(path.c_str());
  remove(path.c_str());
  return all;
}

// What Linux writes of a core, `features` behind.
std::string core(const char* part, const std::string& features = "fp asimd evtstrm") {
  return "processor\t: 0\nFeatures\t: " + features + "\nCPU implementer\t: 0x41\nCPU part\t: " + part +
         "\nCPU revision\t: 0\n\n";
}

TEST(InOrderCores, AllMustBe) {
  EXPECT_TRUE(in_order(core("0xd05")));
  EXPECT_TRUE(in_order(core("0xd03") + core("0xd03") + core("0xd05")));
  EXPECT_FALSE(in_order(core("0xd08")));
  EXPECT_FALSE(in_order(core("0xd05") + core("0xd08")));
  EXPECT_FALSE(in_order(core("0xd08") + core("0xd05")));
}

TEST(InOrderCores, FilesOfOtherShapes) {
  EXPECT_FALSE(in_order(""));
  EXPECT_FALSE(in_order("model name\t: another processor\nflags\t: fma\n"));
  EXPECT_FALSE(in_order("CPU part\t: 0xd05"));  // the line has no end
  EXPECT_FALSE(in_order("CPU part 0xd05\n"));
  EXPECT_FALSE(all_cores_in_order("/nowhere/cpuinfo"));
  // Lines and files longer than what is read at once.
  const std::string wide(9000, 'x');
  EXPECT_TRUE(in_order(core("0xd05", wide) + core("0xd05")));
  EXPECT_FALSE(in_order(core("0xd05", wide) + core("0xd08", wide)));
  std::string many;
  for (int i = 0; i < 300; ++i) many += core("0xd05");
  EXPECT_TRUE(in_order(many));
  EXPECT_FALSE(in_order(many + core("0xd0a")));
}

}  // namespace
}  // namespace dotori::kernels
