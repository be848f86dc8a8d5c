// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>

#include "convert/onnx/ops.h"

namespace dotori::convert::onnx {
namespace {

constexpr OpEntry kOps[] = {
    {"Abs", import_unary},
    {"Add", import_binary},
    {"ArgMax", import_arg_max},
    {"ArgMin", import_arg_max},
    {"AveragePool", import_average_pool},
    {"BatchNormalization", import_batch_normalization},
    {"Cast", import_cast},
    {"CastLike", import_cast_like},
    {"Ceil", import_unary},
    {"Celu", import_unary},
    {"Clip", import_clip},
    {"Concat", import_concat},
    {"Conv", import_conv},
    {"ConvTranspose", import_conv_transpose},
    {"Cos", import_unary},
    {"DepthToSpace", import_depth_to_space},
    {"DequantizeLinear", import_dequantize_linear},
    {"Div", import_binary},
    {"Dropout", import_identity},
    {"Elu", import_unary},
    {"Erf", import_unary},
    {"Exp", import_unary},
    {"Expand", import_expand},
    {"Flatten", import_flatten},
    {"Floor", import_unary},
    {"Gather", import_gather},
    {"Gelu", import_unary},
    {"Gemm", import_gemm},
    {"GlobalAveragePool", import_global_pool},
    {"GlobalMaxPool", import_global_pool},
    {"GroupNormalization", import_group_normalization},
    {"HardSigmoid", import_unary},
    {"HardSwish", import_unary},
    {"Identity", import_identity},
    {"InstanceNormalization", import_instance_normalization},
    {"LRN", import_lrn},
    {"LayerNormalization", import_layer_normalization},
    {"LeakyRelu", import_unary},
    {"Log", import_unary},
    {"LogSoftmax", import_softmax},
    {"MatMul", import_matmul},
    {"Max", import_variadic},
    {"MaxPool", import_max_pool},
    {"Mean", import_variadic},
    {"MeanVarianceNormalization", import_mean_variance_normalization},
    {"Min", import_variadic},
    {"Mish", import_unary},
    {"Mul", import_binary},
    {"Neg", import_unary},
    {"PRelu", import_prelu},
    {"Pad", import_pad},
    {"Pow", import_pow},
    {"QGemm", import_qlinear},
    {"QLinearAdd", import_qlinear},
    {"QLinearAveragePool", import_qlinear},
    {"QLinearConcat", import_qlinear},
    {"QLinearConv", import_qlinear},
    {"QLinearGlobalAveragePool", import_qlinear},
    {"QLinearLeakyRelu", import_qlinear},
    {"QLinearMatMul", import_qlinear},
    {"QLinearMul", import_qlinear},
    {"QLinearSigmoid", import_qlinear},
    {"QLinearSoftmax", import_qlinear},
    {"QuantizeLinear", import_quantize_linear},
    {"Reciprocal", import_unary},
    {"ReduceL1", import_reduce},
    {"ReduceL2", import_reduce},
    {"ReduceLogSum", import_reduce},
    {"ReduceLogSumExp", import_reduce_log_sum_exp},
    {"ReduceMax", import_reduce},
    {"ReduceMean", import_reduce},
    {"ReduceMin", import_reduce},
    {"ReduceSum", import_reduce},
    {"ReduceSumSquare", import_reduce},
    {"Relu", import_unary},
    {"Reshape", import_reshape},
    {"Resize", import_resize},
    {"Round", import_unary},
    {"Selu", import_unary},
    {"Shape", import_shape},
    {"Sigmoid", import_unary},
    {"Sign", import_unary},
    {"Sin", import_unary},
    {"Size", import_shape},
    {"Slice", import_slice},
    {"Softmax", import_softmax},
    {"Softplus", import_unary},
    {"Softsign", import_unary},
    {"SpaceToDepth", import_space_to_depth},
    {"Split", import_split},
    {"Sqrt", import_unary},
    {"Squeeze", import_squeeze},
    {"Sub", import_binary},
    {"Sum", import_variadic},
    {"Tanh", import_unary},
    {"ThresholdedRelu", import_unary},
    {"Tile", import_tile},
    {"Transpose", import_transpose},
    {"Unsqueeze", import_unsqueeze},
    {"Upsample", import_upsample},
};

struct Hint {
  const char* op_type;
  const char* text;
};

constexpr char kDynamic[] =
    "numbers quantised while the model runs are not supported; quantise the model statically or export the float model";
constexpr char kDecode[] = "cut the model before it; the runtime decodes boxes itself";

constexpr Hint kHints[] = {
    {"DynamicQuantizeLinear", kDynamic},
    {"ConvInteger", kDynamic},
    {"MatMulInteger", kDynamic},
    {"NonMaxSuppression", kDecode},
    {"TopK", kDecode},
    {"RoiAlign", "two-stage detectors are not supported; use a one-stage detector"},
    {"LSTM", "recurrent networks are not supported"},
    {"GRU", "recurrent networks are not supported"},
    {"RNN", "recurrent networks are not supported"},
    {"Loop", "export the model with its loops unrolled"},
    {"Scan", "export the model with its loops unrolled"},
    {"If", "export the model with a fixed condition"},
    {"Einsum", "write it as MatMul with constant weights"},
    {"Where", "supported for constants only; write it as arithmetic"},
    {"Equal", "comparisons are supported for constants only"},
    {"Greater", "comparisons are supported for constants only"},
    {"Less", "comparisons are supported for constants only"},
    {"GatherND", "write it as Gather or Slice"},
    {"GlobalLpPool", "use GlobalAveragePool"},
    {"LpPool", "use AveragePool"},
    {"MaxUnpool", "use Resize"},
    {"ReduceProd", "supported for constants only"},
    {"Range", "supported for constants only"},
    {"NonZero", "supported for constants only"},
};

// Besides those that become graph nodes as well.
constexpr const char* kHostOnly[] = {
    "And",         "Constant", "ConstantOfShape", "Equal", "Greater", "GreaterOrEqual", "Less",
    "LessOrEqual", "Mod",      "NonZero",         "Not",   "Or",      "Range",          "ReduceProd",
    "Where",       "Xor"};

}  // namespace

bool is_host_only(const std::string& op_type) {
  return std::any_of(std::begin(kHostOnly), std::end(kHostOnly), [&](const char* name) { return op_type == name; });
}

const OpEntry* find_op(const std::string& op_type) {
  for (const OpEntry& entry : kOps) {
    if (op_type == entry.op_type) return &entry;
  }
  return nullptr;
}

const char* rewrite_hint(const std::string& op_type) {
  for (const Hint& hint : kHints) {
    if (op_type == hint.op_type) return hint.text;
  }
  return "";
}

std::vector<std::string> known_ops() {
  std::vector<std::string> names(std::begin(kHostOnly), std::end(kHostOnly));
  for (const OpEntry& entry : kOps) names.emplace_back(entry.op_type);
  names.emplace_back("If");
  std::sort(names.begin(), names.end());
  return names;
}

bool evaluate_on_host(NodeContext& ctx) {
  return evaluate_shape(ctx) || evaluate_math(ctx) || evaluate_quantization(ctx);
}

}  // namespace dotori::convert::onnx
