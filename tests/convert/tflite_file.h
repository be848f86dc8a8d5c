// SPDX-License-Identifier: Apache-2.0
// Makes small .tflite files with the FlatBuffers runtime and raw field numbers, independent of the importer's own
// reader.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace dotori::testing {

// One field of an options table.
struct Field {
  int number;
  enum Kind { kByte, kInt, kFloat, kInts } kind;
  std::int32_t value = 0;
  float real = 0;
  std::vector<std::int32_t> list;
};
inline Field byte_field(int number, int value) {
  return {number, Field::kByte, value, 0, {}};
}
inline Field int_field(int number, int value) {
  return {number, Field::kInt, value, 0, {}};
}
inline Field float_field(int number, float value) {
  return {number, Field::kFloat, 0, value, {}};
}
inline Field ints_field(int number, std::vector<std::int32_t> list) {
  return {number, Field::kInts, 0, 0, std::move(list)};
}

struct FileTensor {
  std::string name;
  std::vector<std::int32_t> shape;
  int type = 0;                     // TensorType
  std::vector<unsigned char> data;  // empty: not a constant
  std::vector<float> scales;
  std::vector<std::int32_t> signature;
  std::vector<std::int64_t> zero_points = {};  // empty: 3 for each scale
  int quantized_dimension = 0;
};

struct FileOperator {
  int code = 0;
  std::vector<std::int32_t> inputs, outputs;
  int options_type = 0;
  std::vector<Field> options;
  std::string custom;
  std::vector<unsigned char> custom_options = {};
};

template <class T>
std::vector<unsigned char> bytes_of(const std::vector<T>& values) {
  std::vector<unsigned char> bytes(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

struct TfliteFile {
  std::vector<FileTensor> tensors;
  std::vector<FileOperator> operators;
  std::vector<std::int32_t> inputs, outputs;
  std::uint32_t version = 3;
  int subgraphs = 1;
  const char* identifier = "TFL3";

  // Each returns the tensor's number.
  int add_tensor(std::string name, std::vector<std::int32_t> shape, int type = 0) {
    tensors.push_back({std::move(name), std::move(shape), type, {}, {}, {}});
    return static_cast<int>(tensors.size()) - 1;
  }
  int add_floats(std::string name, std::vector<std::int32_t> shape, const std::vector<float>& values) {
    const int t = add_tensor(std::move(name), std::move(shape));
    tensors.back().data = bytes_of(values);
    return t;
  }
  int add_ints(std::string name, const std::vector<std::int32_t>& values) {
    const int t = add_tensor(std::move(name), {static_cast<std::int32_t>(values.size())}, 2);
    tensors.back().data = bytes_of(values);
    return t;
  }
  int add_int(std::string name, std::int32_t value) {
    const int t = add_ints(std::move(name), {value});
    tensors.back().shape = {};
    return t;
  }
  void add_operator(int code, std::vector<std::int32_t> in, std::vector<std::int32_t> out, int options_type = 0,
                    std::vector<Field> options = {}) {
    operators.push_back({code, std::move(in), std::move(out), options_type, std::move(options), {}});
  }

  std::vector<unsigned char> bytes() const {
    using flatbuffers::Offset;
    using Table = Offset<void>;
    flatbuffers::FlatBufferBuilder fbb;
    fbb.ForceDefaults(true);
    const auto slot = [](int field) { return static_cast<flatbuffers::voffset_t>(4 + 2 * field); };
    const auto end = [&](flatbuffers::uoffset_t start) { return Table(fbb.EndTable(start)); };
    std::vector<Table> buffer_tables, tensor_tables, code_tables, operator_tables, subgraph_tables;
    buffer_tables.push_back(end(fbb.StartTable()));
    for (const FileTensor& t : tensors) {
      std::uint32_t buffer = 0;
      if (!t.data.empty()) {
        fbb.ForceVectorAlignment(t.data.size(), 1, 16);
        const auto data = fbb.CreateVector(t.data);
        const auto start = fbb.StartTable();
        fbb.AddOffset(slot(0), data);
        buffer = static_cast<std::uint32_t>(buffer_tables.size());
        buffer_tables.push_back(end(start));
      }
      Table quantization;
      if (!t.scales.empty()) {
        const auto scales = fbb.CreateVector(t.scales);
        const auto zeros =
            fbb.CreateVector(t.zero_points.empty() ? std::vector<std::int64_t>(t.scales.size(), 3) : t.zero_points);
        const auto start = fbb.StartTable();
        fbb.AddOffset(slot(2), scales);
        fbb.AddOffset(slot(3), zeros);
        fbb.AddElement<std::int32_t>(slot(6), t.quantized_dimension, 0);
        quantization = end(start);
      }
      const auto shape = fbb.CreateVector(t.shape);
      const auto signature = fbb.CreateVector(t.signature);
      const auto name = fbb.CreateString(t.name);
      const auto start = fbb.StartTable();
      fbb.AddOffset(slot(0), shape);
      fbb.AddElement<std::int8_t>(slot(1), static_cast<std::int8_t>(t.type), 0);
      fbb.AddElement<std::uint32_t>(slot(2), buffer, 0);
      fbb.AddOffset(slot(3), name);
      if (!t.scales.empty()) fbb.AddOffset(slot(4), quantization);
      if (!t.signature.empty()) fbb.AddOffset(slot(7), signature);
      tensor_tables.push_back(end(start));
    }
    for (const FileOperator& op : operators) {
      const auto custom = fbb.CreateString(op.custom);
      auto start = fbb.StartTable();
      fbb.AddElement<std::int8_t>(slot(0), static_cast<std::int8_t>(op.code < 127 ? op.code : 127), 0);
      if (!op.custom.empty()) fbb.AddOffset(slot(1), custom);
      if (op.code >= 127) fbb.AddElement<std::int32_t>(slot(3), op.code, 0);
      code_tables.push_back(end(start));
      std::vector<Offset<flatbuffers::Vector<std::int32_t>>> lists;
      for (const Field& f : op.options) lists.push_back(fbb.CreateVector(f.list));
      start = fbb.StartTable();
      for (std::size_t i = 0; i < op.options.size(); ++i) {
        const Field& f = op.options[i];
        if (f.kind == Field::kByte) fbb.AddElement<std::int8_t>(slot(f.number), static_cast<std::int8_t>(f.value), 0);
        if (f.kind == Field::kInt) fbb.AddElement<std::int32_t>(slot(f.number), f.value, 0);
        if (f.kind == Field::kFloat) fbb.AddElement<float>(slot(f.number), f.real, 0);
        if (f.kind == Field::kInts) fbb.AddOffset(slot(f.number), lists[i]);
      }
      const Table options = end(start);
      const auto in = fbb.CreateVector(op.inputs);
      const auto out = fbb.CreateVector(op.outputs);
      const auto custom_options = fbb.CreateVector(op.custom_options);
      start = fbb.StartTable();
      fbb.AddElement<std::uint32_t>(slot(0), static_cast<std::uint32_t>(operator_tables.size()), 0);
      fbb.AddOffset(slot(1), in);
      fbb.AddOffset(slot(2), out);
      fbb.AddElement<std::uint8_t>(slot(3), static_cast<std::uint8_t>(op.options_type), 0);
      if (op.options_type != 0) fbb.AddOffset(slot(4), options);
      if (!op.custom_options.empty()) fbb.AddOffset(slot(5), custom_options);
      operator_tables.push_back(end(start));
    }
    for (int i = 0; i < subgraphs; ++i) {
      const auto all_tensors = fbb.CreateVector(tensor_tables);
      const auto all_operators = fbb.CreateVector(operator_tables);
      const auto in = fbb.CreateVector(inputs);
      const auto out = fbb.CreateVector(outputs);
      const auto start = fbb.StartTable();
      fbb.AddOffset(slot(0), all_tensors);
      fbb.AddOffset(slot(1), in);
      fbb.AddOffset(slot(2), out);
      fbb.AddOffset(slot(3), all_operators);
      subgraph_tables.push_back(end(start));
    }
    const auto all_codes = fbb.CreateVector(code_tables);
    const auto all_subgraphs = fbb.CreateVector(subgraph_tables);
    const auto all_buffers = fbb.CreateVector(buffer_tables);
    const auto start = fbb.StartTable();
    fbb.AddElement<std::uint32_t>(slot(0), version, 0);
    fbb.AddOffset(slot(1), all_codes);
    fbb.AddOffset(slot(2), all_subgraphs);
    fbb.AddOffset(slot(4), all_buffers);
    fbb.Finish(end(start), identifier);
    return {fbb.GetBufferPointer(), fbb.GetBufferPointer() + fbb.GetSize()};
  }
};

}  // namespace dotori::testing
