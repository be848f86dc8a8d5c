// SPDX-License-Identifier: Apache-2.0
// Functions of one and two tensors, softmax, conversions.
#include <cmath>
#include <limits>

#include "backends/cpu/ops/quantized.h"
#include "backends/xnnpack/lowering.h"

namespace dotori::backends::xnnpack {
namespace {

using graph::Function;
using Id = std::uint32_t;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Status append_clamp(Lowering& context, float low, float high, Id x, Id y) {
  if (!(low < high)) return unsupported("XNNPACK wants a clamp whose lower bound is below its upper one");
  return accepted(xnn_define_clamp(context.subgraph(), low, high, x, y, 0), "xnn_define_clamp");
}

// 1 / x
Status append_reciprocal(Lowering& context, Id x, Id y) {
  DOTORI_ASSIGN_OR_RETURN(const Id one, context.constant_f32({1}, {1.0f}));
  return accepted(xnn_define_divide(context.subgraph(), -kInfinity, kInfinity, one, x, y, 0), "xnn_define_divide");
}

}  // namespace

Status Lowering::append_activation(const graph::Activation& activation, Id x, Id y, const Shape& shape) {
  const auto temporary_f32 = [&]() -> Result<Id> {
    graph::Value like;
    return temporary(shape, like);
  };
  switch (activation.function) {
    case Function::kRelu: return append_clamp(*this, 0, kInfinity, x, y);
    case Function::kClip: return append_clamp(*this, activation.alpha, activation.beta, x, y);
    case Function::kLeakyRelu:
      return accepted(xnn_define_leaky_relu(subgraph_, activation.alpha, x, y, 0), "xnn_define_leaky_relu");
    case Function::kSigmoid: return accepted(xnn_define_sigmoid(subgraph_, x, y, 0), "xnn_define_sigmoid");
    case Function::kHardSwish: return accepted(xnn_define_hardswish(subgraph_, x, y, 0), "xnn_define_hardswish");
    case Function::kElu: return accepted(xnn_define_elu(subgraph_, activation.alpha, x, y, 0), "xnn_define_elu");
    case Function::kAbs: return accepted(xnn_define_abs(subgraph_, x, y, 0), "xnn_define_abs");
    case Function::kNegate: return accepted(xnn_define_negate(subgraph_, x, y, 0), "xnn_define_negate");
    case Function::kSquare: return accepted(xnn_define_square(subgraph_, x, y, 0), "xnn_define_square");
    case Function::kSqrt: return accepted(xnn_define_square_root(subgraph_, x, y, 0), "xnn_define_square_root");
    case Function::kFloor: return accepted(xnn_define_floor(subgraph_, x, y, 0), "xnn_define_floor");
    case Function::kCeil: return accepted(xnn_define_ceiling(subgraph_, x, y, 0), "xnn_define_ceiling");
    case Function::kRound:
      return accepted(xnn_define_bankers_rounding(subgraph_, x, y, 0), "xnn_define_bankers_rounding");
    case Function::kReciprocal: return append_reciprocal(*this, x, y);
    case Function::kSilu: {
      DOTORI_ASSIGN_OR_RETURN(const Id gate, temporary_f32());
      DOTORI_RETURN_IF_ERROR(accepted(xnn_define_sigmoid(subgraph_, x, gate, 0), "xnn_define_sigmoid"));
      return accepted(xnn_define_multiply2(subgraph_, -kInfinity, kInfinity, x, gate, y, 0), "xnn_define_multiply2");
    }
    case Function::kHardSigmoid: {
      DOTORI_ASSIGN_OR_RETURN(const Id slope, constant_f32({1}, {activation.alpha}));
      DOTORI_ASSIGN_OR_RETURN(const Id offset, constant_f32({1}, {activation.beta}));
      DOTORI_ASSIGN_OR_RETURN(const Id scaled, temporary_f32());
      DOTORI_RETURN_IF_ERROR(accepted(xnn_define_multiply2(subgraph_, -kInfinity, kInfinity, x, slope, scaled, 0),
                                      "xnn_define_multiply2"));
      return accepted(xnn_define_add2(subgraph_, 0, 1, scaled, offset, y, 0), "xnn_define_add2");
    }
    default: return unsupported(std::string("XNNPACK has no ") + graph::function_name(activation.function));
  }
}

Status lower(const graph::Unary& op, Lowering& context) {
  if (context.is_int8()) {
    // A clamp between equal quantisations compares whole numbers.
    const graph::Value &x = context.input_value(0), &y = context.output_value();
    const Function f = op.activation.function;
    if (x.type.type != DataType::kInt8 || (f != Function::kRelu && f != Function::kClip))
      return unsupported(std::string("XNNPACK has no int8 ") + graph::function_name(f) +
                         " that gives the same numbers");
    if (!(x.quantization == y.quantization))
      return unsupported("XNNPACK's int8 clamp wants one quantisation on both sides");
    DOTORI_RETURN_IF_ERROR(context.expect_float_or_int8());
    const kernels::QuantizedOutput out = cpu::make_quantized_output(y, op.activation);
    if (out.low >= out.high) return unsupported("the clamp leaves one value only");
    DOTORI_ASSIGN_OR_RETURN(const Id x_id, context.input(0));
    DOTORI_ASSIGN_OR_RETURN(const Id y_id, context.output());
    return append_clamp(context, static_cast<float>(out.low - out.zero_point),
                        static_cast<float>(out.high - out.zero_point), x_id, y_id);
  }
  DOTORI_RETURN_IF_ERROR(context.expect_float());
  DOTORI_ASSIGN_OR_RETURN(const Id x, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const Id y, context.output());
  return context.append_activation(op.activation, x, y, context.output_shape());
}

Status lower(const graph::Binary& op, Lowering& context) {
  if (context.is_int8() && op.function == graph::BinaryFunction::kMul)
    return unsupported("XNNPACK makes the factor of an int8 product of rounded scales, the result may differ by one");
  if (context.is_int8())
    return unsupported(std::string("XNNPACK computes an int8 ") + graph::binary_function_name(op.function) +
                       " in whole numbers of its own, the result may differ by one");
  DOTORI_RETURN_IF_ERROR(context.expect_float());
  SplitActivation activation = split_activation(op.activation);
  using Define = xnn_status (*)(xnn_subgraph_t, float, float, Id, Id, Id, std::uint32_t);
  using DefinePlain = xnn_status (*)(xnn_subgraph_t, Id, Id, Id, std::uint32_t);
  Define define = nullptr;
  DefinePlain define_plain = nullptr;
  switch (op.function) {
    case graph::BinaryFunction::kAdd: define = xnn_define_add2; break;
    case graph::BinaryFunction::kSub: define = xnn_define_subtract; break;
    case graph::BinaryFunction::kMul: define = xnn_define_multiply2; break;
    case graph::BinaryFunction::kDiv: define = xnn_define_divide; break;
    case graph::BinaryFunction::kMin: define_plain = xnn_define_minimum2; break;
    case graph::BinaryFunction::kMax: define_plain = xnn_define_maximum2; break;
    case graph::BinaryFunction::kSquaredDifference: define_plain = xnn_define_squared_difference; break;
    default: return unsupported(std::string("XNNPACK has no ") + graph::binary_function_name(op.function));
  }
  // Those without a clamp of their own get it as a node behind them.
  if (define_plain != nullptr) activation = {-kInfinity, kInfinity, op.activation};
  DOTORI_ASSIGN_OR_RETURN(const Id a, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const Id b, context.input(1));
  DOTORI_ASSIGN_OR_RETURN(const Id y, context.before_activation(activation));
  DOTORI_RETURN_IF_ERROR(
      define_plain != nullptr
          ? accepted(define_plain(context.subgraph(), a, b, y, 0), graph::binary_function_name(op.function))
          : accepted(define(context.subgraph(), activation.low, activation.high, a, b, y, 0),
                     graph::binary_function_name(op.function)));
  return context.finish_activation(activation, y);
}

Status lower(const graph::Prelu&, Lowering& context) {
  DOTORI_RETURN_IF_ERROR(context.expect_float());
  const Shape& shape = context.input_shape(0);
  const graph::Value& slope = context.input_value(1);
  if (shape.rank() != 4) return unsupported("XNNPACK's prelu wants [N,H,W,C]");
  const std::int64_t channels = shape[3];
  if (!slope.is_constant() || slope.type.shape.elements() != channels ||
      (slope.type.shape.rank() > 0 && slope.type.shape[slope.type.shape.rank() - 1] != channels))
    return unsupported("XNNPACK's prelu wants a constant slope for each channel");
  DOTORI_ASSIGN_OR_RETURN(const Id x, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const Id slopes, context.constant(xnn_datatype_fp32, {channels}, slope.constant.data));
  DOTORI_ASSIGN_OR_RETURN(const Id y, context.output());
  return accepted(xnn_define_prelu(context.subgraph(), x, slopes, y, 0), "xnn_define_prelu");
}

Status lower(const graph::Softmax& op, Lowering& context) {
  DOTORI_RETURN_IF_ERROR(context.expect_float());
  if (op.axis != context.input_shape(0).rank() - 1) return unsupported("XNNPACK's softmax works on the last axis only");
  if (op.beta != 1) return unsupported("XNNPACK's softmax has no factor beta");
  DOTORI_ASSIGN_OR_RETURN(const Id x, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const Id y, context.output());
  return accepted(xnn_define_softmax(context.subgraph(), x, y, 0), "xnn_define_softmax");
}

Status lower(const graph::Quantize&, Lowering&) {
  return unsupported("XNNPACK multiplies by 1 / scale, the model's rule is to divide");
}

Status lower(const graph::Dequantize&, Lowering& context) {
  DOTORI_RETURN_IF_ERROR(context.expect_float_or_int8());
  if (context.is_int8() || context.input_value(0).type.type != DataType::kInt8)
    return unsupported("XNNPACK converts from int8 to float32 only");
  // x has the scale 1 in the subgraph; the model's is a factor behind it.
  const graph::Value real;
  DOTORI_ASSIGN_OR_RETURN(const Id x, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const Id steps, context.temporary(context.output_shape(), real));
  DOTORI_ASSIGN_OR_RETURN(const Id scale, context.constant_f32({1}, {cpu::tensor_scale(context.input_value(0))}));
  DOTORI_ASSIGN_OR_RETURN(const Id y, context.output());
  DOTORI_RETURN_IF_ERROR(accepted(xnn_define_convert(context.subgraph(), x, steps, 0), "xnn_define_convert"));
  return accepted(xnn_define_multiply2(context.subgraph(), -kInfinity, kInfinity, steps, scale, y, 0),
                  "xnn_define_multiply2");
}

}  // namespace dotori::backends::xnnpack
