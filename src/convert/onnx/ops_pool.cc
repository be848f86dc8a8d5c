// SPDX-License-Identifier: Apache-2.0
// Pools.
#include "convert/onnx/ops.h"
#include "convert/onnx/window.h"

namespace dotori::convert::onnx {
namespace {

// Op2d or Op3d, by the rank of x. `set_more` sets the attributes that not all pools have.
template <class Op2d, class Op3d, class SetMore>
void import_pool(NodeContext& ctx, const SetMore& set_more) {
  const Tensor x = ctx.graph_input(0);
  const Tensor image = as_image(ctx, x);
  const Window window = read_window(ctx, x, {});
  const graph::ValueId input = ctx.builder().physical(image);
  const auto add = [&](auto op) {
    op.ceil_mode = ctx.attr_int("ceil_mode", 0) != 0;
    set_more(op);
    ctx.set_output(0, like_input(ctx, ctx.builder().add(op, {input}, image.order), x));
  };
  if (image.rank() == 5) {
    Op3d op;
    set_window_3d(window, &op);
    add(op);
  } else {
    Op2d op;
    set_window(window, &op);
    add(op);
  }
}

}  // namespace

void import_max_pool(NodeContext& ctx) {
  ctx.ignore_attr("storage_order");  // of the indices
  if (ctx.wants_output(1)) ctx.unsupported("the indices of MaxPool (output 1) are not computed; use Resize to unpool");
  import_pool<graph::MaxPool2d, graph::MaxPool3d>(ctx, [](auto&) {});
}

void import_average_pool(NodeContext& ctx) {
  import_pool<graph::AveragePool2d, graph::AveragePool3d>(
      ctx, [&](auto& op) { op.count_include_pad = ctx.attr_int("count_include_pad", 0) != 0; });
}

// GlobalAveragePool and GlobalMaxPool: a reduction over all axes but the first two, wherever they are stored.
void import_global_pool(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  if (x.rank() < 3) ctx.unsupported(ctx.op_type() + " takes [N,C,H,W], found shape " + dims_text(x.dims));
  graph::Reduce op;
  op.function = ctx.op_type() == "GlobalMaxPool" ? graph::ReduceFunction::kMax : graph::ReduceFunction::kMean;
  for (int k = 0; k < x.rank(); ++k) {
    if (x.order[static_cast<std::size_t>(k)] >= 2) op.axes.push_back(k);
  }
  ctx.set_output(0, ctx.builder().add(op, {ctx.builder().physical(x)}, x.order));
}

}  // namespace dotori::convert::onnx
