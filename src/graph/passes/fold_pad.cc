// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"

namespace dotori::graph {
namespace {

// Zeros around H and W of [N,H,W,C] only.
bool pads_image_with_zeros(const Pad& pad) {
  return pad.mode == PadMode::kConstant && pad.value == 0 && pad.before.rank() == 4 && pad.before[0] == 0 &&
         pad.after[0] == 0 && pad.before[3] == 0 && pad.after[3] == 0;
}

// Beyond this infer() refuses anyway; checked first because the sum must fit an int.
constexpr std::int64_t kMaxPad = 4096;

template <class Window>
bool add_pads(Window& window, const Pad& pad) {
  if (pad.before[1] > kMaxPad || pad.after[1] > kMaxPad || pad.before[2] > kMaxPad || pad.after[2] > kMaxPad)
    return false;
  window.pad_top += static_cast<int>(pad.before[1]);
  window.pad_bottom += static_cast<int>(pad.after[1]);
  window.pad_left += static_cast<int>(pad.before[2]);
  window.pad_right += static_cast<int>(pad.after[2]);
  return true;
}

bool absorb_pad(Op& op, const Pad& pad) {
  if (auto* conv = std::get_if<Conv2d>(&op)) return add_pads(*conv, pad);
  if (auto* pool = std::get_if<AveragePool2d>(&op)) {
    // Without padding of its own it makes no difference whether the pool counts it; the zeros of the Pad were counted.
    const bool unpadded = pool->pad_top == 0 && pool->pad_bottom == 0 && pool->pad_left == 0 && pool->pad_right == 0;
    if (!pool->count_include_pad && !unpadded) return false;
    pool->count_include_pad = true;
    return add_pads(*pool, pad);
  }
  return false;
}

}  // namespace

Status fold_pad(Graph& graph) {
  const Uses uses(graph);
  for (Node& node : graph.nodes()) {
    if (!std::holds_alternative<Conv2d>(node.op) && !std::holds_alternative<AveragePool2d>(node.op)) continue;
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
