// SPDX-License-Identifier: Apache-2.0
// The portable kernel for machines without one of ours. Rows are copied into a block first, because Eigen wants a
// matrix; its products of such small blocks need no heap.
#define EIGEN_MPL2_ONLY
#define EIGEN_DONT_PARALLELIZE
#define EIGEN_NO_DEBUG
#if defined(__ARM_NEON)
// Its NEON code for complex numbers brings a static initialiser; plain loops do here, where kernels of our own come
// first.
#define EIGEN_DONT_VECTORIZE
#endif
#include <Eigen/Core>
#include <algorithm>
#include <cstring>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/tiles.h"

namespace dotori::kernels {
namespace {

constexpr int kMr = kGemmEigenMr, kNr = kGemmEigenNr;
constexpr size_t kDepth = 256;  // K at a time: the block of A is 16 KiB

using Tile = Eigen::Matrix<float, kMr, kNr, Eigen::RowMajor>;
using RowsOfA = Eigen::Map<const Eigen::Matrix<float, kMr, Eigen::Dynamic, Eigen::RowMajor>, Eigen::Aligned64>;
using PanelOfB = Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, kNr, Eigen::RowMajor>>;

// Where the next float of K is read: tap and position in it.
struct Position {
  size_t tap = 0, i = 0;
};

// Copies the next `depth` floats of every row to block[kMr][depth]. Rows from m on keep what they hold: the product
// always has kMr rows, because Eigen takes another way through fewer, with other roundings.
Position gather(const GemmF32Strip& s, Position from, size_t depth, float* block) noexcept {
  size_t done = 0;
  while (done < depth) {
    const size_t run = std::min(depth - done, s.k - from.i);
    for (size_t r = 0; r < static_cast<size_t>(s.m); ++r) {
      const float* row = s.a[from.tap * kMr + r] + s.a_offset + from.i;
      std::memcpy(block + r * depth + done, row, run * sizeof(float));
    }
    done += run;
    from.i += run;
    if (from.i == s.k) from = {from.tap + 1, 0};
  }
  return from;
}

void one_tile(const GemmF32Strip& s) noexcept {
  const size_t total = s.taps * s.k;
  alignas(64) float block[kMr * kDepth] = {};
  for (int32_t first = 0; first < s.n; first += kNr) {
    const int32_t columns = std::min(s.n - first, kNr);
    const size_t panel = static_cast<size_t>(first / kNr) * s.panel_stride;
    Tile sum = Tile::Zero();
    Position at;
    for (size_t done = 0; done < total;) {
      const size_t depth = std::min(kDepth, total - done);
      at = gather(s, at, depth, block);
      const RowsOfA a(block, kMr, static_cast<Eigen::Index>(depth));
      const PanelOfB b(s.b + panel + done * kNr, static_cast<Eigen::Index>(depth), kNr);
      sum.noalias() += a * b;
      done += depth;
    }
    for (int32_t r = 0; r < s.m; ++r) {
      float* c = s.c[r] + s.c_offset + first;
      const float* start = s.bias != nullptr ? s.bias + panel : c;
      for (int32_t j = 0; j < columns; ++j) {
        const float y = start[j] + sum(r, j);
        c[j] = y < s.low ? s.low : y > s.high ? s.high : y;
      }
    }
  }
}

}  // namespace

void gemm_f32_any__eigen(const GemmF32Strip& s) noexcept {
  gemm_f32_tiles(s, kMr, kNr, one_tile);
}

}  // namespace dotori::kernels
