// SPDX-License-Identifier: Apache-2.0
// What computes element by element, and what reduces.
#include <algorithm>
#include <cmath>

#include "convert/tensorflow/node.h"

namespace dotori::convert::tensorflow {
namespace {

using graph::Activation;
using graph::BinaryFunction;
using graph::Function;

Result<std::vector<Tensor>> one(Result<Tensor> tensor) {
  if (!tensor.ok()) return tensor.status();
  return std::vector<Tensor>{std::move(*tensor)};
}

struct UnaryRow {
  const char* op;
  Function function;
};
constexpr UnaryRow kUnary[] = {{"Abs", Function::kAbs},         {"Ceil", Function::kCeil},
                               {"Cos", Function::kCos},         {"Erf", Function::kErf},
                               {"Exp", Function::kExp},         {"Floor", Function::kFloor},
                               {"Inv", Function::kReciprocal},  {"Log", Function::kLog},
                               {"Neg", Function::kNegate},      {"Reciprocal", Function::kReciprocal},
                               {"Relu", Function::kRelu},       {"Rint", Function::kRound},
                               {"Round", Function::kRound},     {"Rsqrt", Function::kRsqrt},
                               {"Sigmoid", Function::kSigmoid}, {"Sign", Function::kSign},
                               {"Sin", Function::kSin},         {"Softplus", Function::kSoftplus},
                               {"Sqrt", Function::kSqrt},       {"Square", Function::kSquare},
                               {"Tanh", Function::kTanh}};

struct BinaryRow {
  const char* op;
  BinaryFunction function;
};
constexpr BinaryRow kBinary[] = {
    {"Add", BinaryFunction::kAdd},      {"AddV2", BinaryFunction::kAdd},
    {"BiasAdd", BinaryFunction::kAdd},  {"Div", BinaryFunction::kDiv},
    {"FloorDiv", BinaryFunction::kDiv}, {"Maximum", BinaryFunction::kMax},
    {"Minimum", BinaryFunction::kMin},  {"Mul", BinaryFunction::kMul},
    {"Pow", BinaryFunction::kPow},      {"RealDiv", BinaryFunction::kDiv},
    {"Sub", BinaryFunction::kSub},      {"SquaredDifference", BinaryFunction::kSquaredDifference}};

constexpr std::int64_t kMostFolded = std::int64_t{1} << 26;

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  const std::int64_t q = a / b;
  return q - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

bool apply(BinaryFunction f, std::int64_t a, std::int64_t b, std::int64_t* y) {
  constexpr std::int64_t kLarge = std::int64_t{1} << 31;  // nothing that counts elements is beyond it
  if (a > kLarge || a < -kLarge || b > kLarge || b < -kLarge) return false;
  switch (f) {
    case BinaryFunction::kAdd: *y = a + b; return true;
    case BinaryFunction::kSub: *y = a - b; return true;
    case BinaryFunction::kMul: *y = a * b; return true;
    case BinaryFunction::kDiv: return b != 0 && (*y = floor_div(a, b), true);
    case BinaryFunction::kMin: *y = std::min(a, b); return true;
    case BinaryFunction::kMax: *y = std::max(a, b); return true;
    default: return false;
  }
}

float apply(BinaryFunction f, float a, float b) {
  switch (f) {
    case BinaryFunction::kAdd: return a + b;
    case BinaryFunction::kSub: return a - b;
    case BinaryFunction::kMul: return a * b;
    case BinaryFunction::kDiv: return a / b;
    case BinaryFunction::kMin: return std::min(a, b);
    case BinaryFunction::kMax: return std::max(a, b);
    case BinaryFunction::kPow: return std::pow(a, b);
    default: return (a - b) * (a - b);
  }
}

// Where element `i` of `out` lies in a tensor that is broadcast to it.
std::size_t broadcast_index(std::int64_t i, const Dims& out, const Dims& dims) {
  std::int64_t index = 0, step = 1;
  for (std::size_t k = 0; k < out.size(); ++k) {
    const std::size_t axis = out.size() - 1 - k;
    const std::int64_t at = i % out[axis];
    i /= out[axis];
    if (k >= dims.size()) continue;
    const std::int64_t d = dims[dims.size() - 1 - k];
    if (d != 1) index += at * step;
    step *= d;
  }
  return static_cast<std::size_t>(index);
}

Result<Dims> broadcast_dims(const Dims& a, const Dims& b) {
  Dims out(std::max(a.size(), b.size()));
  for (std::size_t k = 0; k < out.size(); ++k) {
    const std::int64_t da = k < a.size() ? a[a.size() - 1 - k] : 1, db = k < b.size() ? b[b.size() - 1 - k] : 1;
    if (da != db && da != 1 && db != 1)
      return corrupt_model(dims_text(a) + " and " + dims_text(b) + " cannot be combined");
    out[out.size() - 1 - k] = da == 1 ? db : da;
  }
  return out;
}

Result<Tensor> fold(BinaryFunction f, const HostTensor& a, const HostTensor& b) {
  HostTensor y;
  DOTORI_ASSIGN_OR_RETURN(y.dims, broadcast_dims(a.dims, b.dims));
  if (a.is_real != b.is_real) return corrupt_model("real and whole numbers together");
  if (y.count() > kMostFolded) return unsupported("a constant of shape " + dims_text(y.dims));
  y.is_real = a.is_real;
  for (std::int64_t i = 0; i < y.count(); ++i) {
    const std::size_t ia = broadcast_index(i, y.dims, a.dims), ib = broadcast_index(i, y.dims, b.dims);
    if (a.is_real) {
      y.reals.push_back(apply(f, a.reals[ia], b.reals[ib]));
      continue;
    }
    std::int64_t value = 0;
    if (!apply(f, a.integers[ia], b.integers[ib], &value))
      return unsupported("the whole numbers " + std::to_string(a.integers[ia]) + " and " +
                         std::to_string(b.integers[ib]));
    y.integers.push_back(value);
  }
  return known_tensor(std::move(y));
}

Result<Tensor> combine(NodeContext& c, const std::string& name, BinaryFunction f, const Tensor& a, const Tensor& b) {
  if (a.is_known() && b.is_known()) return fold(f, *a.host, *b.host);
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId left, c.builder.value(name + "/a", a));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId right, c.builder.value(name + "/b", b));
  graph::Binary op;
  op.function = f;
  return c.builder.add(name, op, {left, right});
}

}  // namespace

Result<std::vector<Tensor>> unary(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(1, 1));
  Activation a;
  for (const UnaryRow& row : kUnary)
    if (c.op() == row.op) a.function = row.function;
  if (c.op() == "Relu6") a = {Function::kClip, 0, 6};
  else if (c.op() == "Elu") a = {Function::kElu, 1, 0};
  else if (c.op() == "LeakyRelu") a = {Function::kLeakyRelu, c.number("alpha", 0.2f), 0};
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, c.builder.value(c.name() + "/x", c.inputs[0]));
  return one(c.builder.add(c.name(), graph::Unary{a}, {x}));
}

Result<std::vector<Tensor>> binary(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(2, 2));
  const std::string format = c.text("data_format");
  if (c.op() == "BiasAdd" && !format.empty() && format != "NHWC")
    return unsupported("data_format " + format + " (only NHWC is supported)");
  for (const BinaryRow& row : kBinary) {
    if (c.op() != row.op) continue;
    if (c.op() == "FloorDiv" && !(c.inputs[0].is_known() && c.inputs[1].is_known()))
      return unsupported("computed numbers (only those that are known are divided)");
    return one(combine(c, c.name(), row.function, c.inputs[0], c.inputs[1]));
  }
  return internal_error("an operator without a function");
}

Result<std::vector<Tensor>> add_n(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(1, 1024));
  Tensor sum = c.inputs[0];
  for (std::size_t i = 1; i < c.inputs.size(); ++i) {
    const std::string name = i + 1 == c.inputs.size() ? c.name() : c.name() + "/" + std::to_string(i);
    DOTORI_ASSIGN_OR_RETURN(sum, combine(c, name, BinaryFunction::kAdd, sum, c.inputs[i]));
  }
  return std::vector<Tensor>{std::move(sum)};
}

// Inputs: x, scale, offset, mean, variance; the older operator has x, mean, variance, offset, scale.
Result<std::vector<Tensor>> batch_norm(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(5, 5));
  const bool old = c.op() == "BatchNormWithGlobalNormalization";
  if (!old && c.flag("is_training", true)) return unsupported("is_training: true; freeze the graph for inference");
  const std::string format = c.text("data_format");
  if (!format.empty() && format != "NHWC") return unsupported("data_format " + format + " (only NHWC is supported)");
  const Tensor& x = c.inputs[0];
  const HostTensor* parts[4];  // scale, offset, mean, variance
  constexpr std::size_t kOrder[2][4] = {{1, 2, 3, 4}, {4, 3, 1, 2}};
  for (std::size_t i = 0; i < 4; ++i) {
    DOTORI_ASSIGN_OR_RETURN(parts[i], c.known(kOrder[old ? 1 : 0][i]));
    if (x.rank() == 0 || !parts[i]->is_real || parts[i]->count() != x.dims.back())
      return corrupt_model("numbers of shape " + dims_text(parts[i]->dims) + " for an image of " + dims_text(x.dims));
  }
  const double epsilon = static_cast<double>(old ? c.number("variance_epsilon", 0) : c.number("epsilon", 0.0001f));
  const bool scaled = !old || c.flag("scale_after_normalization", true);
  std::vector<float> gain, shift;
  for (std::size_t i = 0; i < parts[0]->reals.size(); ++i) {
    const double variance = static_cast<double>(parts[3]->reals[i]) + epsilon;
    if (!(variance > 0))
      return corrupt_model("channel " + std::to_string(i) + " has a variance of " + std::to_string(variance));
    const double g = (scaled ? static_cast<double>(parts[0]->reals[i]) : 1.0) / std::sqrt(variance);
    gain.push_back(static_cast<float>(g));
    shift.push_back(
        static_cast<float>(static_cast<double>(parts[1]->reals[i]) - static_cast<double>(parts[2]->reals[i]) * g));
  }
  const Dims dims = {x.dims.back()};
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId image, c.builder.value(c.name() + "/x", x));
  graph::Binary op;
  op.function = BinaryFunction::kMul;
  DOTORI_ASSIGN_OR_RETURN(
      Tensor y, c.builder.add(c.name() + "/gain", op, {image, c.builder.constant(c.name() + "/scale", dims, gain)}));
  op.function = BinaryFunction::kAdd;
  return one(c.builder.add(c.name(), op, {y.id, c.builder.constant(c.name() + "/shift", dims, shift)}));
}

Result<std::vector<Tensor>> softmax(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(1, 1));
  if (c.inputs[0].rank() == 0) return corrupt_model("a single number");
  graph::Softmax op;
  op.axis = static_cast<int>(c.inputs[0].rank()) - 1;
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, c.builder.value(c.name() + "/x", c.inputs[0]));
  return one(c.builder.add(c.name(), op, {x}));
}

Result<std::vector<Tensor>> reduce(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(2, 2));
  const Tensor& x = c.inputs[0];
  DOTORI_ASSIGN_OR_RETURN(const Dims written, c.integers(1));
  Dims axes;
  for (std::int64_t w : written) {
    DOTORI_ASSIGN_OR_RETURN(const int axis, c.axis(w, x.rank()));
    if (std::find(axes.begin(), axes.end(), axis) != axes.end()) return corrupt_model("axes " + dims_text(written));
    axes.push_back(axis);
  }
  std::sort(axes.begin(), axes.end());
  if (c.op() == "Prod") {
    if (!x.is_known() || x.host->is_real || axes.size() != x.rank())
      return unsupported("computed numbers (only known whole ones are multiplied)");
    std::int64_t product = 1;
    for (std::int64_t v : x.host->integers)
      if (!apply(BinaryFunction::kMul, product, v, &product)) return unsupported("a product beyond 2^31");
    HostTensor y;
    y.is_real = false;
    y.integers = {product};
    return std::vector<Tensor>{known_tensor(std::move(y))};
  }
  if (axes.empty()) return std::vector<Tensor>{x};
  graph::Reduce op;
  op.function = c.op() == "Mean"  ? graph::ReduceFunction::kMean
                : c.op() == "Max" ? graph::ReduceFunction::kMax
                : c.op() == "Min" ? graph::ReduceFunction::kMin
                                  : graph::ReduceFunction::kSum;
  op.axes = Shape(Span<const std::int64_t>(axes.data(), axes.size()));
  op.keep_dims = c.flag("keep_dims", false);
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId value, c.builder.value(c.name() + "/x", x));
  return one(c.builder.add(c.name(), op, {value}));
}

Result<std::vector<Tensor>> arg_max(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(2, 2));
  DOTORI_ASSIGN_OR_RETURN(const std::int64_t written, c.integer(1));
  graph::ArgMax op;
  DOTORI_ASSIGN_OR_RETURN(op.axis, c.axis(written, c.inputs[0].rank()));
  op.keep_dims = false;
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, c.builder.value(c.name() + "/x", c.inputs[0]));
  return one(c.builder.add(c.name(), op, {x}));
}

// Of known numbers; computed ones stay float32.
Result<std::vector<Tensor>> cast(NodeContext& c) {
  constexpr std::int32_t kFloat = 1, kInt32 = 3, kInt64 = 9;
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(1, 1));
  const auto found = c.node.attr().find("DstT");
  const std::int32_t to = found == c.node.attr().end() ? 0 : found->second.type();
  if (to != kFloat && to != kInt32 && to != kInt64) return unsupported("a cast to type " + std::to_string(to));
  if (!c.inputs[0].is_known()) {
    if (to == kFloat) return c.inputs;
    return unsupported("a cast of computed numbers to whole ones");
  }
  HostTensor y = *c.inputs[0].host;
  if (to == kFloat && !y.is_real) {
    y.reals.assign(y.integers.begin(), y.integers.end());
    y.integers.clear();
  } else if (to != kFloat && y.is_real) {
    for (float v : y.reals) {
      if (!(std::abs(v) < 2e9f)) return unsupported("a cast of " + std::to_string(v));
      y.integers.push_back(static_cast<std::int64_t>(v));
    }
    y.reals.clear();
  }
  y.is_real = to == kFloat;
  return std::vector<Tensor>{known_tensor(std::move(y))};
}

}  // namespace dotori::convert::tensorflow
