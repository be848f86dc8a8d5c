// SPDX-License-Identifier: Apache-2.0
// A .tflite file as plain structs, checked: every index is in range, every constant has the bytes its shape needs.
#pragma once

#include <dotori/span.h>
#include <dotori/status.h>
#include <dotori/tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "convert/tflite/flatbuffer.h"
#include "convert/tflite/schema.h"

namespace dotori::convert::tflite {

struct Tensor {
  std::string name;  // never empty
  Shape shape;       // as stored; dynamic dimensions have their stored stand-in (mostly 1)
  Shape signature;   // same rank with -1 for dynamic dimensions; empty: all fixed
  TensorType type = TensorType::kFloat32;
  Span<const unsigned char> data;     // a constant's elements; empty: not a constant
  std::shared_ptr<const void> owner;  // of `data` when it is not in the file
  std::vector<float> scales;          // quantisation; empty: none
  std::vector<std::int64_t> zero_points;
  int quantized_dimension = 0;
  bool sparse = false;

  bool is_constant() const noexcept { return !data.empty(); }
  // True for a tensor that stands for real numbers by scale and zero point.
  bool is_quantized() const noexcept { return !scales.empty() && type != TensorType::kFloat32; }
  bool is_8_bit() const noexcept { return type == TensorType::kInt8 || type == TensorType::kUint8; }
};

struct Operator {
  int index = 0;             // its number in the file
  int code = 0;              // BuiltinOperator
  std::string custom_code;   // kCustomOperator only
  std::string name;          // its first output's name
  std::vector<int> inputs;   // tensor numbers; -1: left out
  std::vector<int> outputs;  // tensor numbers
  OptionsType options_type = OptionsType::kNone;
  FlatTable options;
  Span<const unsigned char> custom_options;  // a FlexBuffer; kCustomOperator only
};

// Views into the file's bytes, which must outlive it.
struct Model {
  std::unique_ptr<FlatFile> file;
  std::string name;
  std::vector<Tensor> tensors;
  std::vector<Operator> operators;
  std::vector<int> inputs, outputs;  // tensor numbers
};

// Limits: one subgraph, 65,536 tensors and operators, rank 6. Errors: kCorruptModel, kUnsupported.
Result<Model> read_model(Span<const unsigned char> bytes);

const char* tensor_type_name(TensorType type) noexcept;  // "float32", …; "unknown" for a number the schema lacks
// The graph's type of the same elements; false for types that graphs do not have.
bool data_type(TensorType type, DataType* result) noexcept;
// Bytes of one element; 0 for types without a fixed size.
std::size_t tensor_type_bytes(TensorType type) noexcept;

}  // namespace dotori::convert::tflite
