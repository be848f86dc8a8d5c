// SPDX-License-Identifier: Apache-2.0
// The parts of TFLite's schema, version 3, that the importer reads: field numbers and enumerators.
// Source: tensorflow/lite/schema/schema.fbs (field numbers are the order of declaration; a union takes two).
#pragma once

#include <cstdint>

namespace dotori::convert::tflite {

constexpr char kFileIdentifier[5] = "TFL3";
constexpr std::uint32_t kSchemaVersion = 3;

namespace model_field {
constexpr int kVersion = 0, kOperatorCodes = 1, kSubgraphs = 2, kDescription = 3, kBuffers = 4;
}
namespace subgraph_field {
constexpr int kTensors = 0, kInputs = 1, kOutputs = 2, kOperators = 3, kName = 4;
}
namespace tensor_field {
constexpr int kShape = 0, kType = 1, kBuffer = 2, kName = 3, kQuantization = 4, kIsVariable = 5, kSparsity = 6,
              kShapeSignature = 7;
}
namespace quantization_field {
constexpr int kScale = 2, kZeroPoint = 3, kQuantizedDimension = 6;
}
namespace buffer_field {
constexpr int kData = 0, kOffset = 1, kSize = 2;
}
namespace operator_field {
constexpr int kOpcodeIndex = 0, kInputs = 1, kOutputs = 2, kOptionsType = 3, kOptions = 4, kCustomOptions = 5;
}
// builtin_code holds one byte in old files ("deprecated_builtin_code", 127: see the other) and 32 bits in new ones.
namespace operator_code_field {
constexpr int kDeprecatedBuiltinCode = 0, kCustomCode = 1, kVersion = 2, kBuiltinCode = 3;
}

enum class TensorType : std::int8_t {
  kFloat32 = 0,
  kFloat16 = 1,
  kInt32 = 2,
  kUint8 = 3,
  kInt64 = 4,
  kString = 5,
  kBool = 6,
  kInt16 = 7,
  kComplex64 = 8,
  kInt8 = 9,
  kFloat64 = 10,
};

enum class Padding : std::int8_t { kSame = 0, kValid = 1 };

enum class FusedActivation : std::int8_t { kNone = 0, kRelu = 1, kReluN1To1 = 2, kRelu6 = 3, kTanh = 4, kSignBit = 5 };

// The BuiltinOptions union: which options table an operator carries.
enum class OptionsType : std::uint8_t {
  kNone = 0,
  kConv2d = 1,
  kDepthwiseConv2d = 2,
  kPool2d = 5,
  kFullyConnected = 8,
  kSoftmax = 9,
  kConcatenation = 10,
  kAdd = 11,
  kL2Norm = 12,
  kResizeBilinear = 15,
  kReshape = 17,
  kSpaceToDepth = 19,
  kMul = 21,
  kGather = 23,
  kReducer = 27,
  kSub = 28,
  kDiv = 29,
  kSqueeze = 30,
  kStridedSlice = 32,
  kSplit = 35,
  kCast = 37,
  kArgMax = 40,
  kTransposeConv = 49,
  kShape = 55,
  kPack = 59,
  kUnpack = 64,
  kResizeNearestNeighbor = 74,
  kLeakyRelu = 75,
  kMirrorPad = 77,
  kDepthToSpace = 94,
  kGelu = 116,
};

constexpr int kCustomOperator = 32;      // BuiltinOperator::CUSTOM
constexpr int kOperatorCodeLimit = 127;  // deprecated_builtin_code: the code is in builtin_code

}  // namespace dotori::convert::tflite
