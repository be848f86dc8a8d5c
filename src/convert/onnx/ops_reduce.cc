// SPDX-License-Identifier: Apache-2.0
// Reductions, ArgMax and softmax.
#include <algorithm>

#include "convert/onnx/ops.h"

namespace dotori::convert::onnx {
namespace {

using graph::ReduceFunction;

// A reduction of f(x), and g of what comes out.
struct ReduceEntry {
  const char* op_type;
  ReduceFunction function;
  graph::Function before, after;
};

constexpr graph::Function kNone = graph::Function::kIdentity;
constexpr ReduceEntry kReductions[] = {
    {"ReduceMean", ReduceFunction::kMean, kNone, kNone},
    {"ReduceMax", ReduceFunction::kMax, kNone, kNone},
    {"ReduceMin", ReduceFunction::kMin, kNone, kNone},
    {"ReduceSum", ReduceFunction::kSum, kNone, kNone},
    {"ReduceL1", ReduceFunction::kSum, graph::Function::kAbs, kNone},
    {"ReduceL2", ReduceFunction::kSum, graph::Function::kSquare, graph::Function::kSqrt},
    {"ReduceLogSum", ReduceFunction::kSum, kNone, graph::Function::kLog},
    {"ReduceSumSquare", ReduceFunction::kSum, graph::Function::kSquare, kNone},
};

// The stored axes of source `axes`, ascending.
Shape stored_axes(const Tensor& x, const Axes& axes) {
  Dims stored;
  for (int axis : axes) stored.push_back(x.stored_axis(axis));
  std::sort(stored.begin(), stored.end());
  return Shape(Span<const std::int64_t>(stored));
}

// `order` without the source axes in `removed`, the others renumbered.
Axes order_without(const Axes& order, const Axes& removed) {
  Axes out;
  for (int axis : order) {
    if (std::find(removed.begin(), removed.end(), axis) != removed.end()) continue;
    out.push_back(axis -
                  static_cast<int>(std::count_if(removed.begin(), removed.end(), [&](int r) { return r < axis; })));
  }
  return out;
}

Tensor softmax(NodeContext& ctx, const Tensor& x, int axis) {
  Builder& b = ctx.builder();
  graph::Softmax op;
  op.axis = x.stored_axis(axis);
  if (ctx.op_type() == "Softmax") return b.add(op, {b.physical(x)}, x.order);
  // log softmax(x) = y - log(sum(exp(y))) with y = x - max(x): the logarithm of softmax itself would underflow.
  graph::Reduce reduce;
  reduce.axes = {op.axis};
  reduce.function = ReduceFunction::kMax;
  const Tensor largest = b.add(reduce, {b.physical(x)}, x.order, "max");
  const Tensor y = b.add_binary(graph::BinaryFunction::kSub, x, largest, "shift");
  const Tensor powers = b.add_unary(graph::Function::kExp, y, 0, 0, "exp");
  reduce.function = ReduceFunction::kSum;
  const Tensor sum = b.add(reduce, {b.physical(powers)}, powers.order, "sum");
  return b.add_binary(graph::BinaryFunction::kSub, y, b.add_unary(graph::Function::kLog, sum, 0, 0, "log"));
}

}  // namespace

Axes reduce_axes(NodeContext& ctx, int rank, bool* nothing) {
  const int first_with_input = ctx.op_type() == "ReduceSum" ? 13 : 18;
  const Dims listed = ctx.opset() < first_with_input ? ctx.attr_ints("axes", {}) : ctx.known_ints_or(1, "the axes", {});
  const bool none_is_nothing = ctx.opset() >= first_with_input && ctx.attr_int("noop_with_empty_axes", 0) != 0;
  *nothing = listed.empty() && none_is_nothing;
  return listed.empty() ? identity_order(*nothing ? 0 : rank) : ctx.axes(listed, rank);
}

void import_reduce(NodeContext& ctx) {
  Tensor x = ctx.graph_input(0);
  Builder& b = ctx.builder();
  const auto* entry = std::find_if(std::begin(kReductions), std::end(kReductions),
                                   [&](const ReduceEntry& e) { return ctx.op_type() == e.op_type; });
  bool nothing = false;
  const Axes axes = reduce_axes(ctx, x.rank(), &nothing);
  const bool keep = ctx.attr_int("keepdims", 1) != 0;
  if (nothing) return ctx.set_output(0, x);
  if (entry->before != kNone) x = b.add_unary(entry->before, x, 0, 0, "elements");
  if (x.rank() > 0) {
    graph::Reduce op;
    op.function = entry->function;
    op.axes = stored_axes(x, axes);
    op.keep_dims = keep;
    x = b.add(op, {b.physical(x)}, keep ? x.order : order_without(x.order, axes));
  }
  if (entry->after != kNone) x = b.add_unary(entry->after, x, 0, 0, "result");
  ctx.set_output(0, x);
}

// m + log(sum(exp(x - m))) with the largest element m: powers of large numbers would overflow.
void import_reduce_log_sum_exp(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  Builder& b = ctx.builder();
  bool nothing = false;
  const Axes axes = reduce_axes(ctx, x.rank(), &nothing);
  const bool keep = ctx.attr_int("keepdims", 1) != 0;
  if (nothing || x.rank() == 0) return ctx.set_output(0, x);
  graph::Reduce reduce;
  reduce.axes = stored_axes(x, axes);
  reduce.function = ReduceFunction::kMax;
  const Tensor largest = b.add(reduce, {b.physical(x)}, x.order, "max");
  const Tensor shifted = b.add_binary(graph::BinaryFunction::kSub, x, largest, "shift");
  const Tensor powers = b.add_unary(graph::Function::kExp, shifted, 0, 0, "exp");
  reduce.function = ReduceFunction::kSum;
  const Tensor sum = b.add(reduce, {b.physical(powers)}, powers.order, "sum");
  const Tensor y =
      b.add_binary(graph::BinaryFunction::kAdd, b.add_unary(graph::Function::kLog, sum, 0, 0, "log"), largest);
  if (keep) return ctx.set_output(0, y);
  Dims dims;
  for (int axis = 0; axis < x.rank(); ++axis)
    if (std::find(axes.begin(), axes.end(), axis) == axes.end()) dims.push_back(x.dims[static_cast<std::size_t>(axis)]);
  ctx.set_output(0, b.reshape(y, dims));
}

// ArgMax and ArgMin.
void import_arg_max(NodeContext& ctx) {
  Tensor x = ctx.graph_input(0);
  const int axis = ctx.axis(ctx.attr_int("axis", 0), x.rank());
  graph::ArgMax op;
  op.axis = x.stored_axis(axis);
  op.keep_dims = ctx.attr_int("keepdims", 1) != 0;
  op.select_last = ctx.attr_int("select_last_index", 0) != 0;
  const Axes order = op.keep_dims ? x.order : order_without(x.order, {axis});
  if (ctx.op_type() == "ArgMin") x = ctx.builder().add_unary(graph::Function::kNegate, x, 0, 0, "negative");
  ctx.set_output(0, ctx.builder().add(op, {ctx.builder().physical(x)}, order));
}

// Softmax and LogSoftmax.
void import_softmax(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  const bool flattens = ctx.opset() < 13;
  const int axis = ctx.axis(ctx.attr_int("axis", flattens ? 1 : -1), x.rank());
  const auto a = static_cast<std::size_t>(axis);
  // Before opset 13 the sum goes over the axis and all behind it.
  const std::int64_t behind = count_of(Dims(x.dims.begin() + axis + 1, x.dims.end()));
  if (!flattens || behind == 1) return ctx.set_output(0, softmax(ctx, x, axis));
  const std::int64_t outer = count_of(Dims(x.dims.begin(), x.dims.begin() + axis));
  const Tensor flat = ctx.builder().reshape(x, {outer, x.dims[a] * behind});
  ctx.set_output(0, ctx.builder().reshape(softmax(ctx, flat, 1), x.dims));
}

}  // namespace dotori::convert::onnx
