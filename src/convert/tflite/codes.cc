// SPDX-License-Identifier: Apache-2.0
#include "convert/tflite/codes.h"

#include <algorithm>
#include <iterator>

namespace dotori::convert::tflite {
namespace {

// By code. Source: enum BuiltinOperator in schema.fbs.
constexpr const char* kNames[] = {"ADD",
                                  "AVERAGE_POOL_2D",
                                  "CONCATENATION",
                                  "CONV_2D",
                                  "DEPTHWISE_CONV_2D",
                                  "DEPTH_TO_SPACE",
                                  "DEQUANTIZE",
                                  "EMBEDDING_LOOKUP",
                                  "FLOOR",
                                  "FULLY_CONNECTED",
                                  "HASHTABLE_LOOKUP",
                                  "L2_NORMALIZATION",
                                  "L2_POOL_2D",
                                  "LOCAL_RESPONSE_NORMALIZATION",
                                  "LOGISTIC",
                                  "LSH_PROJECTION",
                                  "LSTM",
                                  "MAX_POOL_2D",
                                  "MUL",
                                  "RELU",
                                  "RELU_N1_TO_1",
                                  "RELU6",
                                  "RESHAPE",
                                  "RESIZE_BILINEAR",
                                  "RNN",
                                  "SOFTMAX",
                                  "SPACE_TO_DEPTH",
                                  "SVDF",
                                  "TANH",
                                  "CONCAT_EMBEDDINGS",
                                  "SKIP_GRAM",
                                  "CALL",
                                  "CUSTOM",
                                  "EMBEDDING_LOOKUP_SPARSE",
                                  "PAD",
                                  "UNIDIRECTIONAL_SEQUENCE_RNN",
                                  "GATHER",
                                  "BATCH_TO_SPACE_ND",
                                  "SPACE_TO_BATCH_ND",
                                  "TRANSPOSE",
                                  "MEAN",
                                  "SUB",
                                  "DIV",
                                  "SQUEEZE",
                                  "UNIDIRECTIONAL_SEQUENCE_LSTM",
                                  "STRIDED_SLICE",
                                  "BIDIRECTIONAL_SEQUENCE_RNN",
                                  "EXP",
                                  "TOPK_V2",
                                  "SPLIT",
                                  "LOG_SOFTMAX",
                                  "DELEGATE",
                                  "BIDIRECTIONAL_SEQUENCE_LSTM",
                                  "CAST",
                                  "PRELU",
                                  "MAXIMUM",
                                  "ARG_MAX",
                                  "MINIMUM",
                                  "LESS",
                                  "NEG",
                                  "PADV2",
                                  "GREATER",
                                  "GREATER_EQUAL",
                                  "LESS_EQUAL",
                                  "SELECT",
                                  "SLICE",
                                  "SIN",
                                  "TRANSPOSE_CONV",
                                  "SPARSE_TO_DENSE",
                                  "TILE",
                                  "EXPAND_DIMS",
                                  "EQUAL",
                                  "NOT_EQUAL",
                                  "LOG",
                                  "SUM",
                                  "SQRT",
                                  "RSQRT",
                                  "SHAPE",
                                  "POW",
                                  "ARG_MIN",
                                  "FAKE_QUANT",
                                  "REDUCE_PROD",
                                  "REDUCE_MAX",
                                  "PACK",
                                  "LOGICAL_OR",
                                  "ONE_HOT",
                                  "LOGICAL_AND",
                                  "LOGICAL_NOT",
                                  "UNPACK",
                                  "REDUCE_MIN",
                                  "FLOOR_DIV",
                                  "REDUCE_ANY",
                                  "SQUARE",
                                  "ZEROS_LIKE",
                                  "FILL",
                                  "FLOOR_MOD",
                                  "RANGE",
                                  "RESIZE_NEAREST_NEIGHBOR",
                                  "LEAKY_RELU",
                                  "SQUARED_DIFFERENCE",
                                  "MIRROR_PAD",
                                  "ABS",
                                  "SPLIT_V",
                                  "UNIQUE",
                                  "CEIL",
                                  "REVERSE_V2",
                                  "ADD_N",
                                  "GATHER_ND",
                                  "COS",
                                  "WHERE",
                                  "RANK",
                                  "ELU",
                                  "REVERSE_SEQUENCE",
                                  "MATRIX_DIAG",
                                  "QUANTIZE",
                                  "MATRIX_SET_DIAG",
                                  "ROUND",
                                  "HARD_SWISH",
                                  "IF",
                                  "WHILE",
                                  "NON_MAX_SUPPRESSION_V4",
                                  "NON_MAX_SUPPRESSION_V5",
                                  "SCATTER_ND",
                                  "SELECT_V2",
                                  "DENSIFY",
                                  "SEGMENT_SUM",
                                  "BATCH_MATMUL",
                                  "PLACEHOLDER_FOR_GREATER_OP_CODES",
                                  "CUMSUM",
                                  "CALL_ONCE",
                                  "BROADCAST_TO",
                                  "RFFT2D",
                                  "CONV_3D",
                                  "IMAG",
                                  "REAL",
                                  "COMPLEX_ABS",
                                  "HASHTABLE",
                                  "HASHTABLE_FIND",
                                  "HASHTABLE_IMPORT",
                                  "HASHTABLE_SIZE",
                                  "REDUCE_ALL",
                                  "CONV_3D_TRANSPOSE",
                                  "VAR_HANDLE",
                                  "READ_VARIABLE",
                                  "ASSIGN_VARIABLE",
                                  "BROADCAST_ARGS",
                                  "RANDOM_STANDARD_NORMAL",
                                  "BUCKETIZE",
                                  "RANDOM_UNIFORM",
                                  "MULTINOMIAL",
                                  "GELU",
                                  "DYNAMIC_UPDATE_SLICE",
                                  "RELU_0_TO_1",
                                  "UNSORTED_SEGMENT_PROD",
                                  "UNSORTED_SEGMENT_MAX",
                                  "UNSORTED_SEGMENT_SUM",
                                  "ATAN2",
                                  "UNSORTED_SEGMENT_MIN",
                                  "SIGN",
                                  "BITCAST",
                                  "BITWISE_XOR",
                                  "RIGHT_SHIFT"};
constexpr int kNameCount = static_cast<int>(sizeof(kNames) / sizeof(kNames[0]));
static_assert(kNameCount == 162, "one name for each code from ADD (0) to RIGHT_SHIFT (161)");

struct Row {
  Code code;
  Lower lower;
};

constexpr Row kLowered[] = {
    {kConv2d, lower_conv2d},
    {kDepthwiseConv2d, lower_depthwise_conv2d},
    {kTransposeConv, lower_transpose_conv},
    {kFullyConnected, lower_fully_connected},
    {kAveragePool2d, lower_pool},
    {kMaxPool2d, lower_pool},
    {kResizeBilinear, lower_resize},
    {kResizeNearestNeighbor, lower_resize},
    {kAdd, lower_binary},
    {kAddN, lower_add_n},
    {kL2Normalization, lower_l2_normalization},
    {kSub, lower_binary},
    {kMul, lower_binary},
    {kDiv, lower_binary},
    {kPow, lower_binary},
    {kMinimum, lower_binary},
    {kMaximum, lower_binary},
    {kSquaredDifference, lower_binary},
    {kRelu, lower_unary},
    {kRelu6, lower_unary},
    {kReluN1To1, lower_unary},
    {kRelu0To1, lower_unary},
    {kLeakyRelu, lower_unary},
    {kLogistic, lower_unary},
    {kTanh, lower_unary},
    {kHardSwish, lower_unary},
    {kElu, lower_unary},
    {kGelu, lower_unary},
    {kExp, lower_unary},
    {kLog, lower_unary},
    {kSqrt, lower_unary},
    {kRsqrt, lower_unary},
    {kSquare, lower_unary},
    {kNeg, lower_unary},
    {kAbs, lower_unary},
    {kFloor, lower_unary},
    {kCeil, lower_unary},
    {kRound, lower_unary},
    {kSign, lower_unary},
    {kSin, lower_unary},
    {kCos, lower_unary},
    {kPrelu, lower_prelu},
    {kSoftmax, lower_softmax},
    {kMean, lower_reduce},
    {kSum, lower_reduce},
    {kReduceMax, lower_reduce},
    {kReduceMin, lower_reduce},
    {kArgMax, lower_arg_max},
    {kCast, lower_cast},
    {kDequantize, lower_dequantize},
    {kQuantize, lower_quantize},
    {kReshape, lower_reshape},
    {kSqueeze, lower_squeeze},
    {kExpandDims, lower_expand_dims},
    {kTranspose, lower_transpose},
    {kDepthToSpace, lower_depth_to_space},
    {kSpaceToDepth, lower_space_to_depth},
    {kConcatenation, lower_concatenation},
    {kPack, lower_pack},
    {kUnpack, lower_unpack},
    {kBatchToSpaceNd, lower_space_to_batch},
    {kSpaceToBatchNd, lower_space_to_batch},
    {kPad, lower_pad},
    {kPadV2, lower_pad},
    {kMirrorPad, lower_pad},
    {kGather, lower_gather},
    {kSlice, lower_slice},
    {kStridedSlice, lower_strided_slice},
    {kSplit, lower_split},
    {kSplitV, lower_split_v},
};

}  // namespace

std::string code_name(int code) {
  if (code >= 0 && code < kNameCount) return kNames[code];
  return "operator code " + std::to_string(code);
}

std::string operator_name(const Operator& op) {
  if (op.code == kCustomOperator) return "custom operator '" + op.custom_code + "'";
  return code_name(op.code);
}

Lower find_lower(const Operator& op) noexcept {
  if (op.code == kCustomOperator) {
    if (op.custom_code == "TFLite_Detection_PostProcess") return lower_ssd_post_process;
    return op.custom_code == "Convolution2DTransposeBias" ? lower_transpose_conv_bias : nullptr;
  }
  for (const Row& row : kLowered)
    if (row.code == op.code) return row.lower;
  return nullptr;
}

namespace {
constexpr int kReduceProd = 81, kFloorDiv = 90;
constexpr int kFolded[] = {kShape, kReduceProd, kFloorDiv};
}  // namespace

bool is_folded_only(const Operator& op) noexcept {
  return std::find(std::begin(kFolded), std::end(kFolded), op.code) != std::end(kFolded);
}

std::vector<std::string> known_operators() {
  std::vector<std::string> names = {"TFLite_Detection_PostProcess", "Convolution2DTransposeBias"};
  for (const Row& row : kLowered) names.push_back(code_name(row.code));
  for (int code : kFolded) names.push_back(code_name(code));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace dotori::convert::tflite
