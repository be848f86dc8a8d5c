// SPDX-License-Identifier: Apache-2.0
// Operators that work on each element by itself.
#include <algorithm>
#include <cfloat>
#include <cmath>

#include "convert/onnx/ops.h"

namespace dotori::convert::onnx {
namespace {

using graph::BinaryFunction;
using graph::Function;

struct UnaryEntry {
  const char* op_type;
  Function function;
};

// Those without attributes.
constexpr UnaryEntry kUnary[] = {{"Abs", Function::kAbs},         {"Ceil", Function::kCeil},
                                 {"Cos", Function::kCos},         {"Erf", Function::kErf},
                                 {"Exp", Function::kExp},         {"Floor", Function::kFloor},
                                 {"Gelu", Function::kGelu},       {"HardSwish", Function::kHardSwish},
                                 {"Log", Function::kLog},         {"Mish", Function::kMish},
                                 {"Neg", Function::kNegate},      {"Reciprocal", Function::kReciprocal},
                                 {"Relu", Function::kRelu},       {"Round", Function::kRound},
                                 {"Sigmoid", Function::kSigmoid}, {"Sign", Function::kSign},
                                 {"Sin", Function::kSin},         {"Softplus", Function::kSoftplus},
                                 {"Sqrt", Function::kSqrt},       {"Tanh", Function::kTanh}};

BinaryFunction binary_function(const std::string& op_type) {
  if (op_type == "Sub") return BinaryFunction::kSub;
  if (op_type == "Mul") return BinaryFunction::kMul;
  if (op_type == "Div") return BinaryFunction::kDiv;
  if (op_type == "Min") return BinaryFunction::kMin;
  if (op_type == "Max") return BinaryFunction::kMax;
  return BinaryFunction::kAdd;  // Add, Sum, Mean
}

// Two operands, the first made a graph tensor when both are known.
Tensor binary(NodeContext& ctx, BinaryFunction function, const Tensor& a, const Tensor& b, const char* suffix = "") {
  if (a.is_host() && b.is_host()) {
    return ctx.builder().add_binary(function, ctx.builder().promoted(a, ctx.name() + "/constant"), b, suffix);
  }
  return ctx.builder().add_binary(function, a, b, suffix);
}

// Activations that are written with several functions; false: another operator.
bool composed_activation(NodeContext& ctx, const Tensor& x) {
  const std::string& op = ctx.op_type();
  Builder& b = ctx.builder();
  const auto times = [&](const Tensor& t, float factor, const char* suffix = "") {
    return factor == 1 ? t : b.add_binary(BinaryFunction::kMul, t, host_result(HostTensor::scalar(factor)), suffix);
  };
  if (op == "Celu") {  // alpha * elu(x / alpha)
    const float alpha = ctx.attr_float("alpha", 1);
    if (alpha == 0) ctx.corrupt("alpha is 0");
    ctx.set_output(0, times(b.add_unary(Function::kElu, times(x, 1 / alpha, "divided"), 1, 0, "elu"), alpha));
  } else if (op == "Selu") {
    const float alpha = ctx.attr_float("alpha", 1.67326319217681884765625f);
    ctx.set_output(
        0, times(b.add_unary(Function::kElu, x, alpha, 0, "elu"), ctx.attr_float("gamma", 1.05070102214813232421875f)));
  } else if (op == "Softsign") {  // x / (1 + |x|)
    const Tensor size = b.add_unary(Function::kAbs, x, 0, 0, "abs");
    const Tensor sum = b.add_binary(BinaryFunction::kAdd, size, host_result(HostTensor::scalar(1)), "sum");
    ctx.set_output(0, b.add_binary(BinaryFunction::kDiv, x, sum));
  } else if (op == "ThresholdedRelu") {  // x * relu(sign(x - alpha))
    const HostTensor alpha = HostTensor::scalar(ctx.attr_float("alpha", 1));
    const Tensor above = b.add_binary(BinaryFunction::kSub, x, host_result(alpha), "above");
    const Tensor sign = b.add_unary(Function::kSign, above, 0, 0, "sign");
    ctx.set_output(0, b.add_binary(BinaryFunction::kMul, x, b.add_unary(Function::kRelu, sign, 0, 0, "keep")));
  } else {
    return false;
  }
  return true;
}

}  // namespace

void import_unary(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  const std::string& op = ctx.op_type();
  Builder& b = ctx.builder();
  if (op == "LeakyRelu") {
    return ctx.set_output(0, b.add_unary(Function::kLeakyRelu, x, ctx.attr_float("alpha", 0.01f)));
  }
  if (op == "Elu") return ctx.set_output(0, b.add_unary(Function::kElu, x, ctx.attr_float("alpha", 1.0f)));
  if (op == "HardSigmoid") {
    const float alpha = ctx.attr_float("alpha", 0.2f), beta = ctx.attr_float("beta", 0.5f);
    return ctx.set_output(0, b.add_unary(Function::kHardSigmoid, x, alpha, beta));
  }
  if (op == "Gelu" && ctx.attr_string("approximate", "none") != "none") {
    ctx.unsupported("Gelu with approximate='" + ctx.attr_string("approximate", "") + "'; supported is 'none'");
  }
  if (op == "Relu" && x.type != DataType::kFloat32) {
    const HostTensor zero = HostTensor::scalar(0).cast(x.type == DataType::kInt32 ? Element::kInt32 : Element::kInt64);
    return ctx.set_output(0, b.add_binary(BinaryFunction::kMax, x, host_result(zero)));
  }
  if (composed_activation(ctx, x)) return;
  for (const UnaryEntry& entry : kUnary) {
    if (op == entry.op_type) return ctx.set_output(0, b.add_unary(entry.function, x));
  }
}

void import_binary(NodeContext& ctx) {
  ctx.set_output(0, binary(ctx, binary_function(ctx.op_type()), ctx.input(0), ctx.input(1)));
}

void import_variadic(NodeContext& ctx) {
  const BinaryFunction function = binary_function(ctx.op_type());
  Tensor out = ctx.input(0);
  for (int i = 1; i < ctx.input_count(); ++i) out = binary(ctx, function, out, ctx.input(i));
  if (ctx.op_type() == "Mean" && ctx.input_count() > 1) {
    const HostTensor share = HostTensor::scalar(1.0f / static_cast<float>(ctx.input_count()));
    out = ctx.builder().add_binary(BinaryFunction::kMul, out, host_result(share), "mean");
  }
  ctx.set_output(0, out);
}

void import_pow(NodeContext& ctx) {
  const Tensor& exponent = ctx.input(1);
  Tensor x = ctx.graph_input(0);
  if (!exponent.is_host()) return ctx.set_output(0, ctx.builder().add_binary(BinaryFunction::kPow, x, exponent));
  if (exponent.host->count() == 1 && x.type == DataType::kFloat32 && broadcast_dims(x.dims, exponent.dims) == x.dims) {
    const double e = exponent.host->real(0);
    if (e == 1) return ctx.set_output(0, x);
    if (e == 2) return ctx.set_output(0, ctx.builder().add_unary(Function::kSquare, x));
    if (e == -1) return ctx.set_output(0, ctx.builder().add_unary(Function::kReciprocal, x));
  }
  const HostTensor real = exponent.host->cast(Element::kFloat32);
  ctx.set_output(0, ctx.builder().add_binary(BinaryFunction::kPow, x, host_result(real)));
}

void import_clip(NodeContext& ctx) {
  Tensor x = ctx.graph_input(0);
  Builder& b = ctx.builder();
  float low = -INFINITY, high = INFINITY;
  if (ctx.opset() < 11) {
    low = ctx.attr_float("min", -FLT_MAX);
    high = ctx.attr_float("max", FLT_MAX);
    if (low == -FLT_MAX) low = -INFINITY;
    if (high == FLT_MAX) high = INFINITY;
  } else {
    const bool known = (!ctx.has_input(1) || ctx.input(1).is_host()) && (!ctx.has_input(2) || ctx.input(2).is_host());
    if (!known || x.type != DataType::kFloat32) {
      if (ctx.has_input(1)) x = b.add_binary(BinaryFunction::kMax, x, ctx.input(1));
      if (ctx.has_input(2)) x = b.add_binary(BinaryFunction::kMin, x, ctx.input(2));
      return ctx.set_output(0, x);
    }
    if (ctx.has_input(1)) low = static_cast<float>(ctx.known_scalar(1, "min"));
    if (ctx.has_input(2)) high = static_cast<float>(ctx.known_scalar(2, "max"));
  }
  if (low == -INFINITY && high == INFINITY) return ctx.set_output(0, x);
  if (low == 0 && high == INFINITY) return ctx.set_output(0, b.add_unary(Function::kRelu, x));
  // With min above max, max wins.
  ctx.set_output(0, b.add_unary(Function::kClip, x, std::min(low, high), high));
}

void import_prelu(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  Tensor slope = ctx.input(1);
  if (slope.is_host() && slope.host->count() == 1 && slope.rank() <= x.rank()) {
    const auto alpha = static_cast<float>(slope.host->real(0));
    return ctx.set_output(0, ctx.builder().add_unary(Function::kLeakyRelu, x, alpha));
  }
  // Older exporters give one slope a channel without the axes behind it.
  const bool by_channel = slope.is_host() && slope.rank() == 1 && x.rank() > 2 && slope.dims[0] == x.dims[1] &&
                          slope.dims[0] != x.dims.back();
  if (by_channel) {
    Dims dims(x.dims.size() - 1, 1);
    dims[0] = slope.dims[0];
    slope = host_result(slope.host->reshaped(dims));
  }
  if (slope.rank() > x.rank() || broadcast_dims(x.dims, slope.dims) != x.dims) {
    ctx.corrupt("a slope of shape " + dims_text(slope.dims) + " does not broadcast to " + dims_text(x.dims));
  }
  const graph::ValueId operand = ctx.builder().broadcast_operand(slope, x.rank(), x.order);
  ctx.set_output(0, ctx.builder().add(graph::Prelu{}, {ctx.builder().physical(x), operand}, x.order));
}

Element cast_target(NodeContext& ctx) {
  using dotori_onnx::TensorProto;
  const std::int64_t to = ctx.attr_int("to", 0);
  ctx.ignore_attr("saturate");  // float8 only
  switch (to) {
    case TensorProto::FLOAT:
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16: return Element::kFloat32;
    case TensorProto::DOUBLE: return Element::kFloat64;
    case TensorProto::INT8: return Element::kInt8;
    case TensorProto::UINT8: return Element::kUint8;
    case TensorProto::INT32: return Element::kInt32;
    case TensorProto::INT64: return Element::kInt64;
    case TensorProto::BOOL: return Element::kBool;
    default:
      ctx.unsupported("Cast to element type " + std::to_string(to) +
                      "; supported are float, float16, bfloat16, int8, uint8, int32, int64 and bool");
  }
}

void import_cast(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  const Element to = cast_target(ctx);
  if (to == Element::kFloat64) ctx.unsupported("Cast of a computed tensor to double; the runtime computes in float32");
  if (graph_type(to) == x.type) return ctx.set_output(0, x);
  graph::Cast op;
  op.to = graph_type(to);
  ctx.set_output(0, ctx.builder().add(op, {ctx.builder().physical(x)}, x.order));
}

void import_cast_like(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  const Tensor& like = ctx.input(1);
  if (like.is_host() && like.host->element == Element::kFloat64)
    ctx.unsupported("CastLike of a computed tensor to double; the runtime computes in float32");
  if (like.type == x.type) return ctx.set_output(0, x);
  graph::Cast op;
  op.to = like.type;
  ctx.set_output(0, ctx.builder().add(op, {ctx.builder().physical(x)}, x.order));
}

// Identity, and Dropout, which does nothing at inference.
void import_identity(NodeContext& ctx) {
  if (ctx.op_type() == "Dropout") {
    ctx.ignore_attr("ratio");
    ctx.ignore_attr("seed");
    if (ctx.has_input(2) && ctx.known_scalar(2, "training_mode") != 0) ctx.unsupported("Dropout in training mode");
    if (ctx.wants_output(1)) ctx.unsupported("the mask of Dropout (output 1) is not computed");
  }
  ctx.set_output(0, ctx.input(0));
}

}  // namespace dotori::convert::onnx
