// SPDX-License-Identifier: Apache-2.0
// QuantizeLinear and DequantizeLinear, and the operators on quantised tensors ("QOperator" format), which become
// dequantize, the float operator, quantize: graph::fold_quantization makes int8 operators of both.
#include <algorithm>
#include <cmath>

#include "convert/onnx/ops.h"

namespace dotori::convert::onnx {
namespace {

using graph::BinaryFunction;
using graph::Function;

std::int64_t uint8_offset(Element element) {
  return element == Element::kUint8 ? 128 : 0;
}

// Scales and zero points as the file gives them.
struct Scales {
  std::vector<float> scales;
  std::vector<std::int64_t> zero_points;
  Element element = Element::kUint8;  // of the zero points, and so of the quantised tensor

  bool one() const { return scales.size() == 1; }
  bool eight_bits() const { return element == Element::kInt8 || element == Element::kUint8; }
  // As the graph stores it, in int8.
  Quantization int8(int axis) const {
    Quantization q;
    q.scales = scales;
    for (std::int64_t z : zero_points) q.zero_points.push_back(static_cast<std::int32_t>(z - uint8_offset(element)));
    q.axis = axis;
    return q;
  }
};

Scales make_scales(const HostTensor& scale, const HostTensor* zero_point, Element fallback) {
  Scales s;
  s.element = zero_point != nullptr ? zero_point->element : fallback;
  for (std::int64_t i = 0; i < scale.count(); ++i) {
    s.scales.push_back(static_cast<float>(scale.real(i)));
    s.zero_points.push_back(zero_point != nullptr && i < zero_point->count() ? zero_point->integer(i) : 0);
  }
  return s;
}

// Checked. `fallback` is the type where the zero point is left out.
Scales read_scales(NodeContext& ctx, int scale_input, int zero_point_input, Element fallback) {
  const HostTensor& scale = ctx.known(scale_input, "the scale");
  const HostTensor* zero_point =
      ctx.has_input(zero_point_input) ? &ctx.known(zero_point_input, "the zero point") : nullptr;
  Scales s = make_scales(scale, zero_point, fallback);
  if (scale.dims.size() > 1) ctx.unsupported("a scale of shape " + dims_text(scale.dims) + "; one, or one by axis");
  if (s.scales.empty() || (zero_point != nullptr && zero_point->count() != scale.count())) {
    ctx.corrupt("a scale of shape " + dims_text(scale.dims) + " with a zero point of another");
  }
  for (float v : s.scales) {
    if (!std::isfinite(v) || v <= 0) ctx.corrupt("scales must be finite and positive, found " + std::to_string(v));
  }
  if (!s.eight_bits() && s.element != Element::kInt32) {
    ctx.unsupported(std::string("zero points of type ") + element_name(s.element) +
                    "; supported are int8 and uint8, and int32 for biases");
  }
  const bool wide = s.element == Element::kInt32;
  for (std::int64_t z : s.zero_points) {
    if (wide && z != 0) ctx.unsupported("an int32 zero point that is not 0, found " + std::to_string(z));
  }
  return s;
}

// The axis that more than one scale goes along.
int scale_axis(NodeContext& ctx, const Scales& s, const Dims& dims) {
  const std::int64_t listed = ctx.attr_int("axis", 1);
  if (s.one()) return 0;
  const int axis = ctx.axis(listed, static_cast<int>(dims.size()));
  if (dims[static_cast<std::size_t>(axis)] != static_cast<std::int64_t>(s.scales.size())) {
    ctx.corrupt(std::to_string(s.scales.size()) + " scales along axis " + std::to_string(axis) + " of " +
                dims_text(dims));
  }
  return axis;
}

void check_quantize_attributes(NodeContext& ctx) {
  ctx.ignore_attr("saturate");  // float8 only
  ctx.ignore_attr("precision");
  if (ctx.attr_int("block_size", 0) != 0) ctx.unsupported("scales by blocks (block_size)");
  const std::int64_t type = ctx.attr_int("output_dtype", 0);
  using dotori_onnx::TensorProto;
  if (type != 0 && type != TensorProto::INT8 && type != TensorProto::UINT8 && type != TensorProto::FLOAT) {
    ctx.unsupported("output_dtype " + std::to_string(type) + "; supported are int8, uint8 and float");
  }
}

Element quantize_fallback(NodeContext& ctx) {
  const bool is_signed = ctx.attr_int("output_dtype", 0) == dotori_onnx::TensorProto::INT8;
  return is_signed ? Element::kInt8 : Element::kUint8;
}

// Numbers by axis as a tensor that broadcasts to `rank` axes.
template <class T>
Tensor by_axis(const std::vector<T>& values, int axis, int rank) {
  Dims dims(values.size() == 1 ? 0 : static_cast<std::size_t>(rank - axis), 1);
  if (!dims.empty()) dims[0] = static_cast<std::int64_t>(values.size());
  HostTensor t = HostTensor::make(Element::kFloat32, dims);
  for (std::size_t i = 0; i < values.size(); ++i) {
    t.set_real(static_cast<std::int64_t>(i), static_cast<double>(values[i]));
  }
  return host_result(std::move(t));
}

HostTensor host_dequantized(const HostTensor& x, const Scales& s, int axis) {
  HostTensor out = HostTensor::make(Element::kFloat32, x.dims);
  std::int64_t inner = 1;
  for (std::size_t k = x.dims.size(); !s.one() && k-- > static_cast<std::size_t>(axis) + 1;) inner *= x.dims[k];
  float* y = out.data<float>();
  for (std::int64_t i = 0; i < x.count(); ++i) {
    const auto c = static_cast<std::size_t>(i / inner % static_cast<std::int64_t>(s.scales.size()));
    y[i] = static_cast<float>(x.integer(i) - s.zero_points[c]) * s.scales[c];
  }
  if (s.eight_bits()) out.quantization = s.int8(axis);
  return out;
}

// real = (x - zero point) * scale in float operators: for numbers that no quantised value of the graph holds.
Tensor dequantized_by_arithmetic(NodeContext& ctx, const Tensor& x, const Scales& s, int axis) {
  Builder& b = ctx.builder();
  Tensor y = b.add(graph::Cast{DataType::kFloat32}, {b.physical(x)}, x.order, "cast");
  const bool centred = std::all_of(s.zero_points.begin(), s.zero_points.end(), [](std::int64_t z) { return z == 0; });
  if (!centred) y = b.add_binary(BinaryFunction::kSub, y, by_axis(s.zero_points, axis, x.rank()), "offset");
  return b.add_binary(BinaryFunction::kMul, y, by_axis(s.scales, axis, x.rank()));
}

Tensor dequantized(NodeContext& ctx, const Tensor& x, const Scales& s, int axis, const char* suffix) {
  if (x.is_host()) return host_result(host_dequantized(*x.host, s, axis));
  const Quantization& stored = ctx.builder().quantization(x);
  if (stored.empty()) return dequantized_by_arithmetic(ctx, x, s, axis);
  const Quantization wanted = s.int8(0);
  if (stored.scales != wanted.scales || stored.zero_points != wanted.zero_points) {
    ctx.unsupported("the tensor was quantised with scale " + std::to_string(stored.scales[0]) +
                    " and is read with scale " + std::to_string(s.scales[0]) + " (or another zero point)");
  }
  return ctx.builder().dequantize(x, suffix);
}

}  // namespace

bool evaluate_quantization(NodeContext& ctx) {
  const bool quantizes = ctx.op_type() == "QuantizeLinear";
  if (!quantizes && ctx.op_type() != "DequantizeLinear") return false;
  check_quantize_attributes(ctx);
  const HostTensor& x = ctx.known(0, "the input");
  const Scales s = read_scales(ctx, 1, 2, quantizes ? quantize_fallback(ctx) : x.element);
  const int axis = scale_axis(ctx, s, x.dims);
  if (!quantizes) {
    ctx.set_output(0, host_dequantized(x, s, axis));
    return true;
  }
  if (!s.eight_bits()) ctx.unsupported("quantising to int32");
  HostTensor out = HostTensor::make(s.element, x.dims);
  std::int64_t inner = 1;
  for (std::size_t k = x.dims.size(); !s.one() && k-- > static_cast<std::size_t>(axis) + 1;) inner *= x.dims[k];
  const double low = s.element == Element::kUint8 ? 0 : -128;
  for (std::int64_t i = 0; i < x.count(); ++i) {
    const auto c = static_cast<std::size_t>(i / inner % static_cast<std::int64_t>(s.scales.size()));
    const float quotient = static_cast<float>(x.real(i)) / s.scales[c];
    const double whole = std::isnan(quotient) ? 0 : std::nearbyint(static_cast<double>(quotient));
    const double stored = std::clamp(whole + static_cast<double>(s.zero_points[c]), low, low + 255);
    out.set_integer(i, static_cast<std::int64_t>(stored));
  }
  ctx.set_output(0, std::move(out));
  return true;
}

void import_quantize_linear(NodeContext& ctx) {
  check_quantize_attributes(ctx);
  const Tensor x = ctx.graph_input(0);
  const Scales s = read_scales(ctx, 1, 2, quantize_fallback(ctx));
  const int axis = scale_axis(ctx, s, x.dims);
  if (x.type != DataType::kFloat32 || !s.eight_bits()) {
    ctx.unsupported(std::string("quantising ") + data_type_name(x.type) + " to " + element_name(s.element) +
                    "; supported is float to int8 or uint8");
  }
  Builder& b = ctx.builder();
  if (s.one()) return ctx.set_output(0, b.quantize(x, DataType::kInt8, s.int8(0)));
  // Values of the graph have one scale: as arithmetic.
  const bool is_unsigned = s.element == Element::kUint8;
  Tensor y = b.add_binary(BinaryFunction::kDiv, x, by_axis(s.scales, axis, x.rank()), "divide");
  y = b.add_unary(Function::kRound, y, 0, 0, "round");
  y = b.add_binary(BinaryFunction::kAdd, y, by_axis(s.zero_points, axis, x.rank()), "offset");
  y = b.add_unary(Function::kClip, y, is_unsigned ? 0.0f : -128.0f, is_unsigned ? 255.0f : 127.0f, "clip");
  const graph::Cast cast = {is_unsigned ? DataType::kUint8 : DataType::kInt8};
  ctx.set_output(0, b.add(cast, {b.physical(y)}, y.order));
}

void import_dequantize_linear(NodeContext& ctx) {
  check_quantize_attributes(ctx);
  const Tensor x = ctx.graph_input(0);
  const Element own = x.type == DataType::kInt32  ? Element::kInt32
                      : x.type == DataType::kInt8 ? Element::kInt8
                                                  : Element::kUint8;
  // A uint8 tensor is int8 in the graph: without a zero point, 0 of uint8 is meant where 0 is stored as -128.
  const Quantization& stored = ctx.builder().quantization(x);
  const bool was_unsigned = !stored.empty() && stored.zero_points[0] == -128 && !ctx.has_input(2);
  const Scales s = read_scales(ctx, 1, 2, was_unsigned ? Element::kUint8 : own);
  ctx.set_output(0, dequantized(ctx, x, s, scale_axis(ctx, s, x.dims), ""));
}

namespace {

// How an operator on quantised tensors is laid out: `operands` triples (tensor, scale, zero point) from `first` on,
// then scale and zero point of the result at `result`, an int32 bias at `bias` (-1: none).
struct Layout {
  const char* op_type;
  const char* real_op_type;
  int operands, result, bias;
};

constexpr Layout kLayouts[] = {
    {"QGemm", "Gemm", 2, 7, 6},
    {"QLinearAdd", "Add", 2, 6, -1},
    {"QLinearAveragePool", "AveragePool", 1, 3, -1},
    {"QLinearConv", "Conv", 2, 6, 8},
    {"QLinearGlobalAveragePool", "GlobalAveragePool", 1, 3, -1},
    {"QLinearLeakyRelu", "LeakyRelu", 1, 3, -1},
    {"QLinearMatMul", "MatMul", 2, 6, -1},
    {"QLinearMul", "Mul", 2, 6, -1},
    {"QLinearSigmoid", "Sigmoid", 1, 3, -1},
    {"QLinearSoftmax", "Softmax", 1, 3, -1},
};

const Layout* find_layout(const std::string& op_type) {
  for (const Layout& layout : kLayouts) {
    if (op_type == layout.op_type) return &layout;
  }
  return nullptr;
}

// Attributes that say something about the quantised form only.
bool keep_attribute(NodeContext& ctx, const std::string& name) {
  if (name == "channels_last") {
    if (ctx.attr_int("channels_last", 0) != 0) ctx.unsupported("channels_last");
    return false;
  }
  return name != "opset";
}

// Operand `i` in float32. Weights may have a scale for each output: the axis they lie along is 0 for a convolution, the
// last for a matrix, 0 for one that is transposed.
Tensor real_operand(NodeContext& ctx, int i, const char* suffix) {
  const Tensor& x = ctx.input(i);
  const Element own = x.type == DataType::kInt8 ? Element::kInt8 : Element::kUint8;
  const Scales s = read_scales(ctx, i + 1, i + 2, own);
  int axis = 0;
  if (!s.one()) {
    const bool matrix =
        ctx.op_type() == "QLinearMatMul" || (ctx.op_type() == "QGemm" && ctx.attr_int("transB", 0) == 0);
    axis = matrix ? x.rank() - 1 : 0;
    if (!x.is_host() || x.rank() == 0 ||
        x.dims[static_cast<std::size_t>(axis)] != static_cast<std::int64_t>(s.scales.size())) {
      ctx.unsupported(std::to_string(s.scales.size()) + " scales for input " + std::to_string(i) + " of shape " +
                      dims_text(x.dims) + "; only weights may have more than one, one for each output");
    }
  }
  return dequantized(ctx, x, s, axis, suffix);
}

// int32 in units of both operands' scales.
Tensor real_bias(NodeContext& ctx, int i) {
  const HostTensor& bias = ctx.known(i, "the bias");
  const double x_scale = ctx.known_scalar(1, "the scale");
  const HostTensor& w_scale = ctx.known(4, "the scale of the weights");
  if (w_scale.count() != 1 && w_scale.count() != bias.count()) {
    ctx.corrupt("a bias of shape " + dims_text(bias.dims) + " with scales of shape " + dims_text(w_scale.dims));
  }
  HostTensor real = HostTensor::make(Element::kFloat32, bias.dims);
  for (std::int64_t c = 0; c < bias.count(); ++c) {
    real.set_real(c, static_cast<double>(bias.integer(c)) * x_scale * w_scale.real(w_scale.count() == 1 ? 0 : c));
  }
  return host_result(std::move(real));
}

}  // namespace

void import_qlinear(NodeContext& ctx) {
  const bool concat = ctx.op_type() == "QLinearConcat";
  const Layout* layout = find_layout(ctx.op_type());
  dotori_onnx::NodeProto real;
  real.set_op_type(concat ? "Concat" : layout->real_op_type);
  for (const auto& attribute : ctx.proto().attribute()) {
    if (keep_attribute(ctx, attribute.name())) *real.add_attribute() = attribute;
  }
  for (const auto& attribute : ctx.proto().attribute()) ctx.ignore_attr(attribute.name().c_str());
  const int first = concat ? 2 : 0;
  const int count = concat ? (ctx.input_count() - 2) / 3 : layout->operands;
  std::vector<Tensor> operands;
  for (int k = 0; k < count; ++k) {
    const std::string suffix = "dequantize_" + std::to_string(k);
    operands.push_back(real_operand(ctx, first + 3 * k, suffix.c_str()));
    real.add_input(ctx.proto().input(first + 3 * k));
  }
  if (!concat && layout->bias >= 0 && ctx.has_input(layout->bias)) {
    operands.push_back(real_bias(ctx, layout->bias));
    real.add_input(ctx.proto().input(layout->bias));
  }
  real.add_output(ctx.proto().output(0));
  const auto opset = static_cast<int>(ctx.attr_int("opset", ctx.opset()));
  NodeContext inner(real, opset, ctx.name(), &ctx.builder());
  for (const Tensor& operand : operands) inner.add_input(&operand);
  inner.set_wanted({true});
  find_op(real.op_type())->import(inner);
  inner.check_attributes();
  Tensor y = *inner.outputs()[0];
  const int result = concat ? 0 : layout->result;
  if (!ctx.has_input(result)) return ctx.set_output(0, y);  // QGemm may leave its result in float
  const Scales s = read_scales(ctx, result, result + 1, Element::kUint8);
  if (!s.one() || !s.eight_bits()) ctx.unsupported("a result with more than one scale, or not of 8 bits");
  ctx.set_output(0, ctx.builder().quantize(y, DataType::kInt8, s.int8(0), "quantize"));
}

namespace {

using dotori_onnx::GraphProto;
using dotori_onnx::NodeProto;
using dotori_onnx::TensorProto;

const TensorProto* find_constant(const GraphProto& graph, const std::string& name) {
  for (const TensorProto& t : graph.initializer()) {
    if (t.name() == name) return &t;
  }
  for (const NodeProto& node : graph.node()) {
    if (node.op_type() != "Constant" || node.output_size() != 1 || node.output(0) != name) continue;
    for (const auto& a : node.attribute()) {
      if (a.name() == "value" && a.has_t()) return &a.t();
    }
  }
  return nullptr;
}

// Operators that hand the numbers on as they are.
bool passes_on(const std::string& op_type) {
  for (const char* name : {"Flatten", "Identity", "MaxPool", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"}) {
    if (op_type == name) return true;
  }
  return false;
}

// Whether input `i` of the node is a quantised tensor, with scale and zero point behind it.
bool is_quantized_operand(const NodeProto& node, int i) {
  if (node.op_type() == "DequantizeLinear") return i == 0;
  if (node.op_type() == "QLinearConcat") return i >= 2 && (i - 2) % 3 == 0;
  const Layout* layout = find_layout(node.op_type());
  return layout != nullptr && i % 3 == 0 && i / 3 < layout->operands;
}

Quantization input_quantization(const GraphProto& graph, const std::string& name, int depth) {
  constexpr int kMaxDepth = 8;
  for (const NodeProto& node : graph.node()) {
    for (int i = 0; i < node.input_size(); ++i) {
      if (node.input(i) != name) continue;
      if (i == 0 && passes_on(node.op_type()) && node.output_size() > 0 && depth < kMaxDepth) {
        Quantization q = input_quantization(graph, node.output(0), depth + 1);
        if (!q.empty()) return q;
      }
      if (!is_quantized_operand(node, i) || i + 2 >= node.input_size()) continue;
      const TensorProto* scale = find_constant(graph, node.input(i + 1));
      const TensorProto* zero_point = find_constant(graph, node.input(i + 2));
      if (scale == nullptr || zero_point == nullptr) continue;
      const HostTensor zero = host_tensor(*zero_point);
      const Scales s = make_scales(host_tensor(*scale), &zero, Element::kUint8);
      if (s.one() && s.eight_bits() && std::isfinite(s.scales[0]) && s.scales[0] > 0) return s.int8(0);
    }
  }
  return {};
}

}  // namespace

Quantization input_quantization(const GraphProto& graph, const std::string& name) {
  return input_quantization(graph, name, 0);
}

}  // namespace dotori::convert::onnx
