// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>

#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"

namespace dotori::graph {
namespace {

// The movement [N,H,W,C] -> [bh * bw * N, H / bh, W / bw, C] as importers write it, or its inverse: a reshape to six
// axes, a transpose, a reshape back.
struct Blocks {
  NodeId first, last;  // the two reshapes
  std::int64_t rows = 0, columns = 0;
};

const Node* writer(const Graph& graph, const Uses& uses, ValueId id, NodeId* node) {
  *node = uses.producer(id);
  return node->valid() && uses.has_one_reader(id) ? &graph.node(*node) : nullptr;
}

// The movement that ends in the reshape `last`; false: something else. Between its nodes nobody else reads.
bool match(const Graph& graph, const Uses& uses, NodeId last, const Shape& perm, int row_axis, int column_axis,
           Blocks* blocks) {
  const Node& end = graph.node(last);
  if (!std::holds_alternative<Reshape>(end.op)) return false;
  NodeId middle_id, first_id;
  const Node* middle = writer(graph, uses, end.inputs[0], &middle_id);
  const auto* transpose = middle == nullptr ? nullptr : std::get_if<Transpose>(&middle->op);
  if (transpose == nullptr || transpose->perm != perm) return false;
  const Node* first = writer(graph, uses, middle->inputs[0], &first_id);
  if (first == nullptr || !std::holds_alternative<Reshape>(first->op)) return false;
  const Shape& six = graph.value(first->outputs[0]).type.shape;
  *blocks = {first_id, last, six[row_axis], six[column_axis]};
  const Shape& from = graph.value(first->inputs[0]).type.shape;
  const Shape& to = graph.value(end.outputs[0]).type.shape;
  if (from.rank() != 4 || to.rank() != 4 || from[3] != to[3] || six[5] != to[3]) return false;
  const bool spreads = row_axis == 2;  // space to batch
  const Shape& small = spreads ? to : from;
  const Shape& large = spreads ? from : to;
  return large[1] == small[1] * blocks->rows && large[2] == small[2] * blocks->columns &&
         small[0] == large[0] * blocks->rows * blocks->columns && six[spreads ? 0 : 2] == large[0] &&
         six[spreads ? 1 : 3] == small[1] && six[spreads ? 3 : 4] == small[2];
}

// Top, bottom, left and right of an image: what a pad adds, or a slice takes away.
using Margins = std::array<std::int64_t, 4>;

bool pad_margins(const Graph& graph, const Node& node, Margins* margins) {
  const auto* pad = std::get_if<Pad>(&node.op);
  if (pad == nullptr || pad->mode != PadMode::kConstant || pad->value != 0 || pad->before[0] != 0 ||
      pad->after[0] != 0 || pad->before[3] != 0 || pad->after[3] != 0 ||
      graph.value(node.inputs[0]).type.shape.rank() != 4)
    return false;
  *margins = {pad->before[1], pad->after[1], pad->before[2], pad->after[2]};
  return true;
}

bool slice_margins(const Graph& graph, const Node& node, Margins* margins) {
  const auto* slice = std::get_if<Slice>(&node.op);
  if (slice == nullptr) return false;
  const Shape& x = graph.value(node.inputs[0]).type.shape;
  for (int k = 0; k < 4; ++k) {
    if (slice->stride[k] != 1 || ((k == 0 || k == 3) && slice->size[k] != x[k])) return false;
  }
  *margins = {slice->begin[1], x[1] - slice->begin[1] - slice->size[1], slice->begin[2],
              x[2] - slice->begin[2] - slice->size[2]};
  return true;
}

// The node that reads `id` alone; invalid when there are several or none.
NodeId only_reader(const Graph& graph, const Uses& uses, ValueId id) {
  if (!uses.has_one_reader(id)) return {};
  for (std::size_t n = 0; n < graph.nodes().size(); ++n)
    for (ValueId input : graph.nodes()[n].inputs)
      if (input == id) return NodeId{static_cast<int>(n)};
  return {};
}

void fold(Graph& graph, Uses& uses, NodeId last) {
  Blocks out, in;
  if (!match(graph, uses, last, Shape{2, 3, 0, 4, 1, 5}, 0, 1, &out)) return;
  NodeId conv_id, reshape_id;
  const Node* conv_node = writer(graph, uses, graph.node(out.first).inputs[0], &conv_id);
  const auto* old = conv_node == nullptr ? nullptr : std::get_if<Conv2d>(&conv_node->op);
  if (old == nullptr || old->stride_h != 1 || old->stride_w != 1 || old->dilation_h != 1 || old->dilation_w != 1)
    return;
  if (writer(graph, uses, conv_node->inputs[0], &reshape_id) == nullptr) return;
  if (!match(graph, uses, reshape_id, Shape{2, 4, 0, 1, 3, 5}, 2, 4, &in)) return;
  if (in.rows != out.rows || in.columns != out.columns) return;
  // A zero pad before adds to the convolution's own; a slice behind takes from them.
  Node folded = *conv_node;
  auto& conv = std::get<Conv2d>(folded.op);
  folded.inputs[0] = graph.node(in.first).inputs[0];
  Margins added = {0, 0, 0, 0}, removed = {0, 0, 0, 0};
  const NodeId pad_id = uses.producer(folded.inputs[0]);
  if (pad_id.valid() && pad_margins(graph, graph.node(pad_id), &added)) folded.inputs[0] = graph.node(pad_id).inputs[0];
  const NodeId slice_id = only_reader(graph, uses, graph.node(last).outputs[0]);
  NodeId replaced = last;
  if (slice_id.valid() && slice_margins(graph, graph.node(slice_id), &removed)) replaced = slice_id;
  const Margins own = {conv.pad_top * in.rows, conv.pad_bottom * in.rows, conv.pad_left * in.columns,
                       conv.pad_right * in.columns};
  Margins total;
  for (std::size_t k = 0; k < 4; ++k) total[k] = own[k] + added[k] - removed[k];
  if (total[0] < 0 || total[1] < 0 || total[2] < 0 || total[3] < 0) {  // the slice stays
    replaced = last;
    for (std::size_t k = 0; k < 4; ++k) total[k] = own[k] + added[k];
  }
  constexpr std::int64_t kMost = 4096;  // infer()'s bound for pads and dilations
  if (in.rows > kMost || in.columns > kMost) return;
  for (std::int64_t t : total)
    if (t > kMost) return;
  conv.dilation_h = static_cast<int>(in.rows);
  conv.dilation_w = static_cast<int>(in.columns);
  conv.pad_top = static_cast<int>(total[0]);
  conv.pad_bottom = static_cast<int>(total[1]);
  conv.pad_left = static_cast<int>(total[2]);
  conv.pad_right = static_cast<int>(total[3]);
  folded.outputs = graph.node(replaced).outputs;
  const Result<TensorType> type = graph.infer_node(folded);
  if (!type.ok() || !(*type == graph.value(folded.outputs[0]).type)) return;
  folded.outputs = conv_node->outputs;
  graph.node(conv_id) = std::move(folded);
  absorb(graph, uses, conv_id, replaced);
}

}  // namespace

Status fold_space_to_batch(Graph& graph) {
  Uses uses(graph);
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) fold(graph, uses, NodeId{static_cast<int>(n)});
  return remove_dead(graph);
}

}  // namespace dotori::graph
