// SPDX-License-Identifier: Apache-2.0
// Matrix products with constants.
#include <algorithm>

#include "convert/onnx/ops.h"

namespace dotori::convert::onnx {
namespace {

using graph::BinaryFunction;

// y[..., O] = sum over source axis `axis` of x times weights [O,K]; the axis of the result that replaces `axis` has O
// elements.
Tensor fully_connected(NodeContext& ctx, const Tensor& x, int axis, const HostTensor& weights, graph::ValueId bias) {
  Builder& b = ctx.builder();
  if (weights.dims[1] != x.dims[static_cast<std::size_t>(axis)]) {
    ctx.corrupt("a product of shapes " + dims_text(ctx.input(0).dims) + " and " + dims_text(ctx.input(1).dims) +
                ": the inner dimensions differ");
  }
  // The summed axis must be stored last; the others stay in sequence.
  Axes order = x.order;
  order.erase(std::find(order.begin(), order.end(), axis));
  order.push_back(axis);
  const graph::ValueId input = b.physical(b.in_order(x, order));
  const graph::ValueId w = b.constant(weights, identity_order(2), ctx.name() + "/weights");
  return b.add(graph::FullyConnected{}, {input, w, bias}, order);
}

HostTensor scaled(const HostTensor& t, float factor) {
  if (factor == 1) return t;
  HostTensor out = HostTensor::make(t.element, t.dims);
  for (std::int64_t i = 0, n = t.count(); i < n; ++i) out.set_real(i, t.real(i) * static_cast<double>(factor));
  return out;
}

}  // namespace

// alpha * A' * B' + beta * C, with A' and B' transposed on demand; one of A and B is constant.
void import_gemm(NodeContext& ctx) {
  Builder& b = ctx.builder();
  const float alpha = ctx.attr_float("alpha", 1), beta = ctx.attr_float("beta", 1);
  const bool trans_a = ctx.attr_int("transA", 0) != 0, trans_b = ctx.attr_int("transB", 0) != 0;
  ctx.expect_rank(ctx.input(0), 2);
  ctx.expect_rank(ctx.input(1), 2);
  const bool weights_first = ctx.input(0).is_host() && !ctx.input(1).is_host();
  if (!weights_first) ctx.known(1, "the matrix B");
  const Tensor x = ctx.graph_input(weights_first ? 1 : 0);
  HostTensor weights = scaled(weights_first ? *ctx.input(0).host : *ctx.input(1).host, alpha);
  // FullyConnected wants [O,K]: B' is [K,O], A' is [O,K].
  if (weights_first ? trans_a : !trans_b) weights = weights.permuted({1, 0});
  // Where the summed axis of x is.
  const int axis = weights_first ? (trans_b ? 1 : 0) : (trans_a ? 0 : 1);
  const std::int64_t outputs = weights.dims[0];
  graph::ValueId bias;
  bool add_c = ctx.has_input(2) && beta != 0;
  if (add_c && ctx.input(2).is_host() && !weights_first) {
    const HostTensor c = scaled(*ctx.input(2).host, beta);
    // A row of one number for each output, or one for all of them, is a bias.
    if (c.count() == outputs && (c.dims.empty() || c.dims.back() == outputs)) {
      bias = b.constant(c.reshaped({outputs}), identity_order(1), ctx.proto().input(2));
      add_c = false;
    }
  }
  Tensor y = fully_connected(ctx, x, axis, weights, bias);
  // The result is [M,N] with the outputs on the axis that replaced the summed one.
  const bool swapped = weights_first ? axis == 1 : axis == 0;
  if (swapped) y = b.transpose(y, {1, 0});
  if (add_c) {
    Tensor c = ctx.input(2);
    if (broadcast_dims(y.dims, c.dims) != y.dims) {
      ctx.corrupt("C of shape " + dims_text(c.dims) + " does not broadcast to " + dims_text(y.dims));
    }
    if (c.is_host()) {
      c = host_result(scaled(*c.host, beta));
    } else if (beta != 1) {
      c = b.add_binary(BinaryFunction::kMul, c, host_result(HostTensor::scalar(beta)), "beta");
    }
    y = b.add_binary(BinaryFunction::kAdd, y, c, "c");
  }
  ctx.set_output(0, y);
}

void import_matmul(NodeContext& ctx) {
  const Tensor &left = ctx.input(0), &right = ctx.input(1);
  if (!left.is_host() && !right.is_host()) {
    ctx.unsupported("a product of two computed tensors, shapes " + dims_text(left.dims) + " and " +
                    dims_text(right.dims) + "; one of them must be a constant matrix (attention is not supported)");
  }
  const bool weights_right = right.is_host();
  const HostTensor& matrix = weights_right ? *right.host : *left.host;
  Tensor x = ctx.graph_input(weights_right ? 0 : 1);
  Dims weight_dims = matrix.dims;
  while (weight_dims.size() > 2 && weight_dims.front() == 1) {
    weight_dims.erase(weight_dims.begin());
  }
  if (weight_dims.size() != 2 || x.rank() < 1 || (!weights_right && x.rank() < 2)) {
    ctx.unsupported("a product of shapes " + dims_text(left.dims) + " and " + dims_text(right.dims) +
                    "; the constant must be one matrix");
  }
  HostTensor weights = matrix.reshaped(weight_dims);
  if (weights_right) weights = weights.permuted({1, 0});
  // W * x sums over the last axis but one of x.
  const Tensor y = fully_connected(ctx, x, x.rank() - (weights_right ? 1 : 2), weights, {});
  ctx.set_output(0, ctx.builder().lift(y, std::max(y.rank(), static_cast<int>(matrix.dims.size()))));
}

// y = x / (bias + alpha / size * sum of the squares of `size` neighbouring channels) ^ beta: the sum is a product with
// a band matrix.
void import_lrn(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  const std::int64_t size = ctx.attr_int("size", 0);
  const float alpha = ctx.attr_float("alpha", 1e-4f), beta = ctx.attr_float("beta", 0.75f),
              base = ctx.attr_float("bias", 1);
  if (x.rank() < 2) ctx.unsupported("LRN takes [N,C,..], found shape " + dims_text(x.dims));
  const std::int64_t channels = x.dims[1];
  if (size < 1 || size > 2 * channels + 255) ctx.corrupt("size " + std::to_string(size));
  HostTensor band = HostTensor::make(Element::kFloat32, {channels, channels});
  for (std::int64_t o = 0; o < channels; ++o) {
    const std::int64_t first = std::max<std::int64_t>(0, o - (size - 1) / 2);
    const std::int64_t last = std::min<std::int64_t>(channels - 1, o + size / 2);
    for (std::int64_t i = first; i <= last; ++i)
      band.set_real(o * channels + i, static_cast<double>(alpha) / static_cast<double>(size));
  }
  HostTensor bias = HostTensor::make(Element::kFloat32, {channels});
  for (std::int64_t c = 0; c < channels; ++c) bias.set_real(c, static_cast<double>(base));
  Builder& b = ctx.builder();
  const Tensor square = b.add_binary(BinaryFunction::kMul, x, x, "square");
  const graph::ValueId offset = b.constant(bias, identity_order(1), ctx.name() + "/bias");
  const Tensor sum = fully_connected(ctx, square, 1, band, offset);
  const Tensor power = b.add_binary(BinaryFunction::kPow, sum, host_result(HostTensor::scalar(beta)), "power");
  ctx.set_output(0, b.add_binary(BinaryFunction::kDiv, x, power));
}

}  // namespace dotori::convert::onnx
