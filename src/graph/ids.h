// SPDX-License-Identifier: Apache-2.0
// Strong indices into a Graph's flat vectors.
#pragma once

#include <cstdint>

namespace dotori::graph {

struct ValueId {
  std::int32_t index = -1;
  bool valid() const noexcept { return index >= 0; }
  friend bool operator==(ValueId a, ValueId b) noexcept { return a.index == b.index; }
  friend bool operator!=(ValueId a, ValueId b) noexcept { return a.index != b.index; }
};

struct NodeId {
  std::int32_t index = -1;
  bool valid() const noexcept { return index >= 0; }
  friend bool operator==(NodeId a, NodeId b) noexcept { return a.index == b.index; }
  friend bool operator!=(NodeId a, NodeId b) noexcept { return a.index != b.index; }
};

}  // namespace dotori::graph
