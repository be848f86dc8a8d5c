// SPDX-License-Identifier: Apache-2.0
#include <type_traits>
#include <utility>

#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"

namespace dotori::graph {
namespace {

// Zeros around H and W of [N,H,W,C], or D, H and W of [N,D,H,W,C], only.
bool pads_image_with_zeros(const Pad& pad) {
  const int last = pad.before.rank() - 1;
  return pad.mode == PadMode::kConstant && pad.value == 0 && (last == 3 || last == 4) && pad.before[0] == 0 &&
         pad.after[0] == 0 && pad.before[last] == 0 && pad.after[last] == 0;
}

// Beyond this infer() refuses anyway; checked first because the sum must fit an int.
constexpr std::int64_t kMaxPad = 4096;

template <class Op>
constexpr bool is_window_3d = std::is_same_v<Op, Conv3d> || std::is_same_v<Op, AveragePool3d>;

template <class Window>
bool add_pads(Window& window, const Pad& pad) {
  const int last = pad.before.rank() - 1;
  for (int axis = 1; axis < last; ++axis)
    if (pad.before[axis] > kMaxPad || pad.after[axis] > kMaxPad) return false;
  window.pad_top += static_cast<int>(pad.before[last - 2]);
  window.pad_bottom += static_cast<int>(pad.after[last - 2]);
  window.pad_left += static_cast<int>(pad.before[last - 1]);
  window.pad_right += static_cast<int>(pad.after[last - 1]);
  if constexpr (is_window_3d<Window>) {
    window.pad_front += static_cast<int>(pad.before[1]);
    window.pad_back += static_cast<int>(pad.after[1]);
  }
  return true;
}

template <class Pool>
bool is_unpadded(const Pool& pool) {
  if constexpr (is_window_3d<Pool>) {
    if (pool.pad_front != 0 || pool.pad_back != 0) return false;
  }
  return pool.pad_top == 0 && pool.pad_bottom == 0 && pool.pad_left == 0 && pool.pad_right == 0;
}

template <class Pool>
bool absorb_pad_of_pool(Pool& pool, const Pad& pad) {
  // Without padding of its own it makes no difference whether the pool counts it; the zeros of the Pad were counted.
  if (!pool.count_include_pad && !is_unpadded(pool)) return false;
  pool.count_include_pad = true;
  return add_pads(pool, pad);
}

bool can_absorb_pads(const Op& op) {
  return std::holds_alternative<Conv2d>(op) || std::holds_alternative<AveragePool2d>(op) ||
         std::holds_alternative<Conv3d>(op) || std::holds_alternative<AveragePool3d>(op);
}

bool absorb_pad(Op& op, const Pad& pad) {
  if (auto* conv = std::get_if<Conv2d>(&op)) return add_pads(*conv, pad);
  if (auto* conv = std::get_if<Conv3d>(&op)) return add_pads(*conv, pad);
  if (auto* pool = std::get_if<AveragePool2d>(&op)) return absorb_pad_of_pool(*pool, pad);
  if (auto* pool = std::get_if<AveragePool3d>(&op)) return absorb_pad_of_pool(*pool, pad);
  return false;
}

}  // namespace

Status fold_pad(Graph& graph) {
  const Uses uses(graph);
  for (Node& node : graph.nodes()) {
    if (!can_absorb_pads(node.op)) continue;
    const NodeId writer = uses.producer(node.inputs[0]);
    if (!writer.valid()) continue;
    const Node& before = graph.node(writer);
    const Pad* pad = std::get_if<Pad>(&before.op);
    if (pad == nullptr || !pads_image_with_zeros(*pad)) continue;
    // Other readers keep the Pad alive; without any, remove_dead() takes it.
    Node folded = node;
    if (!absorb_pad(folded.op, *pad)) continue;
    folded.inputs[0] = before.inputs[0];
    const Result<TensorType> type = graph.infer_node(folded);
    if (!type.ok() || !(*type == graph.value(node.outputs[0]).type)) continue;
    node = std::move(folded);
  }
  return remove_dead(graph);
}

}  // namespace dotori::graph
