// SPDX-License-Identifier: Apache-2.0
#include "convert/tensorflow/node.h"

namespace dotori::convert::tensorflow {
namespace {

struct Row {
  const char* op;
  NodeFunction function;
};

constexpr Row kOps[] = {
    {"Abs", unary},
    {"Add", binary},
    {"AddN", add_n},
    {"AddV2", binary},
    {"ArgMax", arg_max},
    {"AvgPool", pool},
    {"BatchNormWithGlobalNormalization", batch_norm},
    {"BatchToSpaceND", batch_blocks},
    {"BiasAdd", binary},
    {"Cast", cast},
    {"Ceil", unary},
    {"CheckNumerics", identity},
    {"Concat", concat},
    {"ConcatV2", concat},
    {"Conv2D", convolution},
    {"Conv2DBackpropInput", transposed_convolution},
    {"Cos", unary},
    {"DepthToSpace", block},
    {"DepthwiseConv2dNative", convolution},
    {"Div", binary},
    {"Elu", unary},
    {"Erf", unary},
    {"Exp", unary},
    {"ExpandDims", expand_dims},
    {"Fill", fill},
    {"Floor", unary},
    {"FloorDiv", binary},
    {"FusedBatchNorm", batch_norm},
    {"FusedBatchNormV2", batch_norm},
    {"FusedBatchNormV3", batch_norm},
    {"Identity", identity},
    {"Inv", unary},
    {"LeakyRelu", unary},
    {"Log", unary},
    {"MatMul", matmul},
    {"Max", reduce},
    {"MaxPool", pool},
    {"Maximum", binary},
    {"Mean", reduce},
    {"Min", reduce},
    {"Minimum", binary},
    {"MirrorPad", pad},
    {"Mul", binary},
    {"Neg", unary},
    {"Pack", pack},
    {"Pad", pad},
    {"PadV2", pad},
    {"PlaceholderWithDefault", identity},
    {"Pow", binary},
    {"PreventGradient", identity},
    {"Prod", reduce},
    {"RealDiv", binary},
    {"Reciprocal", unary},
    {"Relu", unary},
    {"Relu6", unary},
    {"Reshape", reshape},
    {"ResizeBilinear", resize},
    {"ResizeNearestNeighbor", resize},
    {"Rint", unary},
    {"Round", unary},
    {"Rsqrt", unary},
    {"Shape", shape},
    {"Sigmoid", unary},
    {"Sign", unary},
    {"Sin", unary},
    {"Slice", slice},
    {"Snapshot", identity},
    {"Softmax", softmax},
    {"Softplus", unary},
    {"SpaceToBatchND", batch_blocks},
    {"SpaceToDepth", block},
    {"Split", split},
    {"SplitV", split},
    {"Sqrt", unary},
    {"Square", unary},
    {"SquaredDifference", binary},
    {"Squeeze", squeeze},
    {"StopGradient", identity},
    {"StridedSlice", strided_slice},
    {"Sub", binary},
    {"Sum", reduce},
    {"Tanh", unary},
    {"Transpose", transpose},
};

struct Hint {
  const char* op;
  const char* text;
};

constexpr char kDecode[] = "cut the graph before it; the runtime decodes boxes itself";
constexpr char kFreeze[] = "freeze the graph for inference first";
constexpr Hint kHints[] = {
    {"NonMaxSuppressionV3", kDecode},
    {"TopKV2", kDecode},
    {"Enter", "export the graph without loops"},
    {"Switch", kFreeze},
    {"Merge", kFreeze},
    {"VariableV2", kFreeze},
    {"VarHandleOp", kFreeze},
    {"ReadVariableOp", kFreeze},
    {"PartitionedCall", "inline the functions"},
    {"StatefulPartitionedCall", "inline the functions"},
    {"DecodeJpeg", "cut the graph behind it; the runtime decodes photos itself"},
    {"FakeQuantWithMinMaxVars", "export to TFLite, which keeps the ranges"},
    {"LRN", "write it as Square, AvgPool, Pow and Mul"},
};

}  // namespace

NodeFunction find_op(const std::string& op) {
  for (const Row& row : kOps)
    if (op == row.op) return row.function;
  return nullptr;
}

std::vector<std::string> known_ops() {
  std::vector<std::string> names;
  for (const Row& row : kOps) names.emplace_back(row.op);
  return names;
}

const char* rewrite_hint(const std::string& op) {
  for (const Hint& hint : kHints)
    if (op == hint.op) return hint.text;
  return "";
}

Status NodeContext::expect_inputs(std::size_t least, std::size_t most) const {
  if (inputs.size() >= least && inputs.size() <= most) return {};
  return corrupt_model("expected " + std::to_string(least) + (most > least ? " to " + std::to_string(most) : "") +
                       " inputs, found " + std::to_string(inputs.size()));
}

Result<const HostTensor*> NodeContext::known(std::size_t input) const {
  if (inputs[input].is_known()) return inputs[input].host.get();
  return unsupported("input " + std::to_string(input) + " is computed; it must be a constant");
}

Result<Dims> NodeContext::integers(std::size_t input) const {
  DOTORI_ASSIGN_OR_RETURN(const HostTensor* tensor, known(input));
  if (tensor->is_real)
    return corrupt_model("input " + std::to_string(input) + " holds real numbers, expected whole ones");
  return tensor->integers;
}

Result<std::int64_t> NodeContext::integer(std::size_t input) const {
  DOTORI_ASSIGN_OR_RETURN(const Dims numbers, integers(input));
  if (numbers.size() != 1)
    return corrupt_model("input " + std::to_string(input) + " holds " + std::to_string(numbers.size()) +
                         " numbers, expected one");
  return numbers[0];
}

std::string NodeContext::text(const char* attr) const {
  const auto found = node.attr().find(attr);
  return found == node.attr().end() ? "" : found->second.s();
}
std::int64_t NodeContext::integer(const char* attr, std::int64_t otherwise) const {
  const auto found = node.attr().find(attr);
  return found == node.attr().end() ? otherwise : found->second.i();
}
float NodeContext::number(const char* attr, float otherwise) const {
  const auto found = node.attr().find(attr);
  return found == node.attr().end() ? otherwise : found->second.f();
}
bool NodeContext::flag(const char* attr, bool otherwise) const {
  const auto found = node.attr().find(attr);
  return found == node.attr().end() ? otherwise : found->second.b();
}
Dims NodeContext::list(const char* attr) const {
  const auto found = node.attr().find(attr);
  if (found == node.attr().end()) return {};
  return Dims(found->second.list().i().begin(), found->second.list().i().end());
}

Result<int> NodeContext::axis(std::int64_t written, std::size_t rank) const {
  const auto r = static_cast<std::int64_t>(rank);
  if (written >= -r && written < r) return static_cast<int>(written < 0 ? written + r : written);
  return corrupt_model("axis " + std::to_string(written) + " of " + std::to_string(rank) + " axes");
}

}  // namespace dotori::convert::tensorflow
