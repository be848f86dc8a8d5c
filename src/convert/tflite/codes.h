// SPDX-License-Identifier: Apache-2.0
// TFLite's operator codes (BuiltinOperator): names for messages, and how each supported one is lowered.
#pragma once

#include "convert/tflite/lower.h"

namespace dotori::convert::tflite {

enum Code : int {
  kAdd = 0,
  kAveragePool2d = 1,
  kConcatenation = 2,
  kConv2d = 3,
  kDepthwiseConv2d = 4,
  kDepthToSpace = 5,
  kDequantize = 6,
  kFloor = 8,
  kFullyConnected = 9,
  kL2Normalization = 11,
  kLogistic = 14,
  kMaxPool2d = 17,
  kMul = 18,
  kRelu = 19,
  kReluN1To1 = 20,
  kRelu6 = 21,
  kReshape = 22,
  kResizeBilinear = 23,
  kSoftmax = 25,
  kSpaceToDepth = 26,
  kTanh = 28,
  kPad = 34,
  kGather = 36,
  kBatchToSpaceNd = 37,
  kSpaceToBatchNd = 38,
  kTranspose = 39,
  kMean = 40,
  kSub = 41,
  kDiv = 42,
  kSqueeze = 43,
  kStridedSlice = 45,
  kExp = 47,
  kSplit = 49,
  kCast = 53,
  kPrelu = 54,
  kMaximum = 55,
  kArgMax = 56,
  kMinimum = 57,
  kNeg = 59,
  kPadV2 = 60,
  kSlice = 65,
  kSin = 66,
  kTransposeConv = 67,
  kExpandDims = 70,
  kLog = 73,
  kSum = 74,
  kSqrt = 75,
  kRsqrt = 76,
  kShape = 77,
  kPow = 78,
  kReduceMax = 82,
  kPack = 83,
  kUnpack = 88,
  kReduceMin = 89,
  kSquare = 92,
  kResizeNearestNeighbor = 97,
  kLeakyRelu = 98,
  kSquaredDifference = 99,
  kMirrorPad = 100,
  kAbs = 101,
  kSplitV = 102,
  kCeil = 104,
  kAddN = 106,
  kCos = 108,
  kElu = 111,
  kQuantize = 114,
  kRound = 116,
  kHardSwish = 117,
  kGelu = 150,
  kRelu0To1 = 152,
  kSign = 158,
};

// "CONV_2D" …; "operator code N" for a code this importer has never heard of.
std::string code_name(int code);
// "CONV_2D", or for a custom operator its own name: "custom operator 'Foo'".
std::string operator_name(const Operator& op);
// nullptr: not supported.
Lower find_lower(const Operator& op) noexcept;
// Computed while importing, from integers that are known then.
bool is_folded_only(const Operator& op) noexcept;
// All that find_lower() or is_folded_only() know, sorted.
std::vector<std::string> known_operators();

}  // namespace dotori::convert::tflite
