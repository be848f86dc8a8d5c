// SPDX-License-Identifier: Apache-2.0
#include "convert/tflite/model.h"

#include <algorithm>

namespace dotori::convert::tflite {
namespace {

constexpr std::size_t kMaxCount = 65536;
constexpr std::size_t kMaxOperands = 1024;

Status check_count(const char* what, std::size_t count, std::size_t most) {
  if (count <= most) return {};
  return unsupported("the file has " + std::to_string(count) + " " + what + ", at most " + std::to_string(most) +
                     " are supported");
}

Result<std::vector<int>> tensor_numbers(FlatNumbers<std::int32_t> numbers, std::size_t tensor_count, bool optional,
                                        const std::string& what) {
  DOTORI_RETURN_IF_ERROR(check_count("operands in one list", numbers.size(), kMaxOperands).with_context(what));
  std::vector<int> result;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::int32_t n = numbers[i];
    const bool left_out = n == -1 && optional;
    if (!left_out && (n < 0 || static_cast<std::size_t>(n) >= tensor_count))
      return corrupt_model(what + " names tensor " + std::to_string(n) + ", but there are " +
                           std::to_string(tensor_count));
    result.push_back(n);
  }
  return result;
}

Result<Shape> read_shape(FlatNumbers<std::int32_t> dims, const std::string& tensor) {
  if (dims.size() > static_cast<std::size_t>(kMaxRank))
    return unsupported("tensor '" + tensor + "' has " + std::to_string(dims.size()) + " dimensions, at most " +
                       std::to_string(kMaxRank) + " are supported");
  Shape shape;
  for (std::size_t i = 0; i < dims.size(); ++i) shape.push_back(dims[i]);
  return shape;
}

// A file written for more than 2 GB keeps its constants behind the FlatBuffer and states where.
Result<Span<const unsigned char>> buffer_data(const FlatFile& file, const FlatTable& buffer, std::uint32_t number) {
  const Span<const unsigned char> data = buffer.bytes(buffer_field::kData);
  const std::uint64_t offset = buffer.number<std::uint64_t>(buffer_field::kOffset);
  if (!data.empty() || offset <= 1) return data;
  const std::uint64_t size = buffer.number<std::uint64_t>(buffer_field::kSize);
  const std::uint64_t file_size = file.bytes().size();
  if (offset > file_size || size > file_size - offset)
    return corrupt_model("buffer " + std::to_string(number) + " (" + std::to_string(size) + " bytes at " +
                         std::to_string(offset) + ") reaches past the end of the file");
  return Span<const unsigned char>(file.bytes().data() + offset, static_cast<std::size_t>(size));
}

Status read_quantization(const FlatTable& table, Tensor* tensor) {
  const auto scales = table.numbers<float>(quantization_field::kScale);
  const auto zero_points = table.numbers<std::int64_t>(quantization_field::kZeroPoint);
  DOTORI_RETURN_IF_ERROR(check_count("quantisation scales for one tensor", scales.size(), kMaxCount));
  if (scales.size() != zero_points.size() && !zero_points.empty())
    return corrupt_model("tensor '" + tensor->name + "' has " + std::to_string(scales.size()) + " scales but " +
                         std::to_string(zero_points.size()) + " zero points");
  for (std::size_t i = 0; i < scales.size(); ++i) {
    tensor->scales.push_back(scales[i]);
    tensor->zero_points.push_back(i < zero_points.size() ? zero_points[i] : 0);
  }
  tensor->quantized_dimension = table.number<std::int32_t>(quantization_field::kQuantizedDimension);
  return {};
}

Status check_constant(const Tensor& tensor) {
  const std::size_t element = tensor_type_bytes(tensor.type);
  if (element == 0) return {};  // refused where an operator reads it
  const auto elements = tensor.shape.checked_elements();
  if (!elements.ok()) return elements.status().with_context("constant tensor '" + tensor.name + "'");
  const std::uint64_t expected = static_cast<std::uint64_t>(*elements) * element;
  if (expected != tensor.data.size())
    return corrupt_model("constant tensor '" + tensor.name + "' " + tensor_type_name(tensor.type) +
                         tensor.shape.to_string() + " needs " + std::to_string(expected) + " bytes, its buffer has " +
                         std::to_string(tensor.data.size()));
  return {};
}

Status read_tensors(const FlatTable& subgraph, const FlatTables& buffers, Model* model) {
  const FlatTables tables = subgraph.tables(subgraph_field::kTensors);
  DOTORI_RETURN_IF_ERROR(check_count("tensors", tables.size(), kMaxCount));
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const FlatTable table = tables[i];
    Tensor tensor;
    tensor.name = table.string(tensor_field::kName);
    if (tensor.name.empty()) tensor.name = "tensor_" + std::to_string(i);
    DOTORI_ASSIGN_OR_RETURN(tensor.shape, read_shape(table.numbers<std::int32_t>(tensor_field::kShape), tensor.name));
    const auto signature = table.numbers<std::int32_t>(tensor_field::kShapeSignature);
    if (signature.size() == static_cast<std::size_t>(tensor.shape.rank())) {
      DOTORI_ASSIGN_OR_RETURN(tensor.signature, read_shape(signature, tensor.name));
    }
    tensor.type = static_cast<TensorType>(table.number<std::int8_t>(tensor_field::kType));
    tensor.sparse = table.table(tensor_field::kSparsity).present();
    DOTORI_RETURN_IF_ERROR(read_quantization(table.table(tensor_field::kQuantization), &tensor));
    const std::uint32_t buffer = table.number<std::uint32_t>(tensor_field::kBuffer);
    if (buffer != 0) {
      if (buffer >= buffers.size())
        return corrupt_model("tensor '" + tensor.name + "' names buffer " + std::to_string(buffer) +
                             ", but there are " + std::to_string(buffers.size()));
      DOTORI_ASSIGN_OR_RETURN(tensor.data, buffer_data(*model->file, buffers[buffer], buffer));
    }
    if (!model->file->ok()) return model->file->status();
    if (tensor.is_constant() && !tensor.sparse) DOTORI_RETURN_IF_ERROR(check_constant(tensor));
    model->tensors.push_back(std::move(tensor));
  }
  return {};
}

Status read_operators(const FlatTable& subgraph, const FlatTables& codes, Model* model) {
  const FlatTables tables = subgraph.tables(subgraph_field::kOperators);
  DOTORI_RETURN_IF_ERROR(check_count("operators", tables.size(), kMaxCount));
  const std::size_t tensor_count = model->tensors.size();
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const FlatTable table = tables[i];
    const std::string what = "operator " + std::to_string(i);
    Operator op;
    op.index = static_cast<int>(i);
    const std::uint32_t code_index = table.number<std::uint32_t>(operator_field::kOpcodeIndex);
    if (code_index >= codes.size())
      return corrupt_model(what + " names operator code " + std::to_string(code_index) + ", but there are " +
                           std::to_string(codes.size()));
    const FlatTable code = codes[code_index];
    const int old_code = code.number<std::int8_t>(operator_code_field::kDeprecatedBuiltinCode);
    op.code = std::max(old_code, code.number<std::int32_t>(operator_code_field::kBuiltinCode));
    if (op.code == kCustomOperator) op.custom_code = code.string(operator_code_field::kCustomCode);
    DOTORI_ASSIGN_OR_RETURN(op.inputs, tensor_numbers(table.numbers<std::int32_t>(operator_field::kInputs),
                                                      tensor_count, true, what + "'s input list"));
    DOTORI_ASSIGN_OR_RETURN(op.outputs, tensor_numbers(table.numbers<std::int32_t>(operator_field::kOutputs),
                                                       tensor_count, false, what + "'s output list"));
    if (op.outputs.empty()) return corrupt_model(what + " has no output");
    op.name = model->tensors[static_cast<std::size_t>(op.outputs[0])].name;
    op.options_type = static_cast<OptionsType>(table.number<std::uint8_t>(operator_field::kOptionsType));
    op.options = table.table(operator_field::kOptions);
    op.custom_options = table.bytes(operator_field::kCustomOptions);
    if (!model->file->ok()) return model->file->status();
    model->operators.push_back(std::move(op));
  }
  return {};
}

}  // namespace

const char* tensor_type_name(TensorType type) noexcept {
  switch (type) {
    case TensorType::kFloat32: return "float32";
    case TensorType::kFloat16: return "float16";
    case TensorType::kInt32: return "int32";
    case TensorType::kUint8: return "uint8";
    case TensorType::kInt64: return "int64";
    case TensorType::kString: return "string";
    case TensorType::kBool: return "bool";
    case TensorType::kInt16: return "int16";
    case TensorType::kComplex64: return "complex64";
    case TensorType::kInt8: return "int8";
    case TensorType::kFloat64: return "float64";
  }
  return "unknown";
}

std::size_t tensor_type_bytes(TensorType type) noexcept {
  switch (type) {
    case TensorType::kUint8:
    case TensorType::kInt8:
    case TensorType::kBool: return 1;
    case TensorType::kFloat16:
    case TensorType::kInt16: return 2;
    case TensorType::kFloat32:
    case TensorType::kInt32: return 4;
    case TensorType::kInt64:
    case TensorType::kFloat64:
    case TensorType::kComplex64: return 8;
    case TensorType::kString: return 0;
  }
  return 0;
}

bool data_type(TensorType type, DataType* result) noexcept {
  switch (type) {
    case TensorType::kFloat32: *result = DataType::kFloat32; return true;
    case TensorType::kInt32: *result = DataType::kInt32; return true;
    case TensorType::kInt64: *result = DataType::kInt64; return true;
    case TensorType::kBool: *result = DataType::kBool; return true;
    case TensorType::kUint8: *result = DataType::kUint8; return true;
    case TensorType::kInt8: *result = DataType::kInt8; return true;
    default: return false;
  }
}

Result<Model> read_model(Span<const unsigned char> bytes) {
  Model model;
  model.file = std::make_unique<FlatFile>(bytes);
  const FlatTable root = model.file->root(kFileIdentifier);
  if (!root.present()) return model.file->status();
  const std::uint32_t version = root.number<std::uint32_t>(model_field::kVersion);
  if (version != kSchemaVersion)
    return unsupported("schema version " + std::to_string(version) + ", this importer reads version " +
                       std::to_string(kSchemaVersion));
  const FlatTables subgraphs = root.tables(model_field::kSubgraphs);
  if (!model.file->ok()) return model.file->status();
  if (subgraphs.size() != 1)
    return unsupported("the file has " + std::to_string(subgraphs.size()) +
                       " subgraphs, only files with one are supported");
  const FlatTable subgraph = subgraphs[0];
  model.name = subgraph.string(subgraph_field::kName);
  DOTORI_RETURN_IF_ERROR(read_tensors(subgraph, root.tables(model_field::kBuffers), &model));
  DOTORI_RETURN_IF_ERROR(read_operators(subgraph, root.tables(model_field::kOperatorCodes), &model));
  DOTORI_ASSIGN_OR_RETURN(model.inputs, tensor_numbers(subgraph.numbers<std::int32_t>(subgraph_field::kInputs),
                                                       model.tensors.size(), false, "the model's input list"));
  DOTORI_ASSIGN_OR_RETURN(model.outputs, tensor_numbers(subgraph.numbers<std::int32_t>(subgraph_field::kOutputs),
                                                        model.tensors.size(), false, "the model's output list"));
  if (!model.file->ok()) return model.file->status();
  return model;
}

}  // namespace dotori::convert::tflite
