// SPDX-License-Identifier: Apache-2.0
#include "convert/space_to_batch.h"

namespace dotori::convert {
namespace {

Status check(const Shape& x, const std::vector<std::int64_t>& block, const std::vector<std::int64_t>& margins) {
  constexpr std::int64_t kMost = 4096;
  if (x.rank() != 4 || block.size() != 2)
    return unsupported(std::to_string(block.size()) + " block factors for an input " + x.to_string() +
                       "; two for [N,H,W,C] are supported");
  if (margins.size() != 4) return corrupt_model(std::to_string(margins.size()) + " paddings or crops, expected 2 x 2");
  for (std::int64_t b : block)
    if (b < 1 || b > kMost) return corrupt_model("a block factor of " + std::to_string(b) + ", expected 1 to 4096");
  for (std::int64_t m : margins)
    if (m < 0 || m > kMost) return corrupt_model("a padding or crop of " + std::to_string(m) + ", expected 0 to 4096");
  return {};
}

bool any(const std::vector<std::int64_t>& margins) {
  for (std::int64_t m : margins)
    if (m != 0) return true;
  return false;
}

}  // namespace

Result<std::vector<Move>> space_to_batch(const Shape& x, const std::vector<std::int64_t>& block,
                                         const std::vector<std::int64_t>& margins) {
  DOTORI_RETURN_IF_ERROR(check(x, block, margins));
  const std::int64_t h = x[1] + margins[0] + margins[1], w = x[2] + margins[2] + margins[3];
  if (h % block[0] != 0 || w % block[1] != 0)
    return corrupt_model("an image of " + std::to_string(h) + " x " + std::to_string(w) +
                         " (padding included) for blocks of " + std::to_string(block[0]) + " x " +
                         std::to_string(block[1]));
  std::vector<Move> moves;
  if (any(margins)) {
    graph::Pad pad;
    pad.before = {0, margins[0], margins[2], 0};
    pad.after = {0, margins[1], margins[3], 0};
    moves.push_back({"/pad", pad});
  }
  moves.push_back({"/split", graph::Reshape{{x[0], h / block[0], block[0], w / block[1], block[1], x[3]}}});
  moves.push_back({"/transpose", graph::Transpose{{2, 4, 0, 1, 3, 5}}});
  moves.push_back({"", graph::Reshape{{block[0] * block[1] * x[0], h / block[0], w / block[1], x[3]}}});
  return moves;
}

Result<std::vector<Move>> batch_to_space(const Shape& x, const std::vector<std::int64_t>& block,
                                         const std::vector<std::int64_t>& margins) {
  DOTORI_RETURN_IF_ERROR(check(x, block, margins));
  if (x[0] % (block[0] * block[1]) != 0)
    return corrupt_model("a batch of " + std::to_string(x[0]) + " for blocks of " + std::to_string(block[0]) + " x " +
                         std::to_string(block[1]));
  const std::int64_t n = x[0] / (block[0] * block[1]), h = x[1] * block[0], w = x[2] * block[1];
  graph::Slice slice;
  slice.begin = {0, margins[0], margins[2], 0};
  slice.size = {n, h - margins[0] - margins[1], w - margins[2] - margins[3], x[3]};
  slice.stride = {1, 1, 1, 1};
  if (slice.size[1] < 1 || slice.size[2] < 1)
    return corrupt_model("crops that leave nothing of " + std::to_string(h) + " x " + std::to_string(w));
  std::vector<Move> moves = {{"/split", graph::Reshape{{block[0], block[1], n, x[1], x[2], x[3]}}},
                             {"/transpose", graph::Transpose{{2, 3, 0, 4, 1, 5}}},
                             {any(margins) ? "/join" : "", graph::Reshape{{n, h, w, x[3]}}}};
  if (any(margins)) moves.push_back({"", slice});
  return moves;
}

}  // namespace dotori::convert
