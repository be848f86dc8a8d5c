// SPDX-License-Identifier: Apache-2.0
#include "graph/graph.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <utility>

namespace dotori::graph {
namespace {

constexpr std::size_t kConstantAlignment = 64;

// From this size on a block is mapped: the system's pages are zero already, and large ones, where it grants them, take
// a few faults instead of thousands. Under the address sanitizer everything is allocated, so that it sees the ends.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kLargeBlock = SIZE_MAX;
#else
constexpr std::size_t kLargeBlock = std::size_t{1} << 20;
#endif
constexpr std::size_t kLargePage = std::size_t{2} << 20;

std::size_t whole_pages(std::size_t bytes) {
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

// `bytes` of zeros for munmap(.., whole_pages(bytes)), from a multiple of kLargePage on; null when out of memory.
void* map_large(std::size_t bytes) {
  const std::size_t wanted = whole_pages(bytes), mapped = wanted + kLargePage;
  void* memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  unsigned char* first = static_cast<unsigned char*>(memory);
  const std::size_t before = (kLargePage - reinterpret_cast<std::uintptr_t>(first) % kLargePage) % kLargePage;
  if (before > 0) munmap(first, before);
  munmap(first + before + wanted, kLargePage - before);
#if defined(MADV_HUGEPAGE)
  // Only whole large pages: the rest of one would be memory that nobody asked for.
  if (wanted >= kLargePage) madvise(first + before, wanted / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
  return first + before;
}

// `base`, or `base` with "_<n>" behind it, n one above the largest number in use there. `name_at(i)` gives the names in
// use.
template <class NameAt>
std::string unique_name(const std::string& base, std::size_t count, const NameAt& name_at) {
  bool taken = false;
  std::int64_t largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& name = name_at(i);
    if (name.size() < base.size() || name.compare(0, base.size(), base) != 0) continue;
    if (name.size() == base.size()) {
      taken = true;
    } else if (name[base.size()] == '_') {
      const char* first = name.data() + base.size() + 1;
      const char* last = name.data() + name.size();
      std::int32_t number = 0;
      const std::from_chars_result end = std::from_chars(first, last, number);
      if (end.ec == std::errc() && end.ptr == last && number > largest) largest = number;
    }
  }
  return taken ? base + "_" + std::to_string(largest + 1) : base;
}

std::string float_text(float v) {
  char digits[32];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, v).ptr);
}

bool in_range(const Graph& graph, ValueId id) {
  return id.valid() && static_cast<std::size_t>(id.index) < graph.values().size();
}

const char* input_name(const Op& op, std::size_t i) {
  const bool weighted = has_filters(op);
  if (weighted && i == 1) return "weights";
  if (weighted && i == 2) return "bias";
  if (std::holds_alternative<Binary>(op)) return i == 0 ? "a" : "b";
  if (std::holds_alternative<Prelu>(op) && i == 1) return "slope";
  if (std::holds_alternative<Gather>(op) && i == 1) return "indices";
  return i == 0 ? "x" : "input";
}

std::string type_text(const TensorType& type) {
  return std::string(data_type_name(type.type)) + " " + type.shape.to_string();
}

std::string operand_text(const Value& value) {
  if (!value.is_constant()) return value.name;
  if (value.type.type == DataType::kFloat32 && value.type.shape.empty() && value.constant.size_bytes == sizeof(float)) {
    float scalar;
    std::memcpy(&scalar, value.constant.data, sizeof scalar);
    return float_text(scalar);
  }
  return value.name + " " + value.type.shape.to_string();
}

}  // namespace

Constant allocate_constant(std::size_t size_bytes, void** writable) {
  Constant constant;
  *writable = nullptr;
  if (size_bytes > SIZE_MAX / 2) return constant;
  const std::size_t rounded = (size_bytes / kConstantAlignment + 1) * kConstantAlignment;
  void* memory = nullptr;
  if (rounded >= kLargeBlock) {
    memory = map_large(rounded);
    if (memory == nullptr) return constant;
    constant.owner = std::shared_ptr<const void>(
        memory, [rounded](const void* p) { munmap(const_cast<void*>(p), whole_pages(rounded)); });
  } else {
    // Not aligned_alloc, which Android has from API level 28 on only.
    if (posix_memalign(&memory, kConstantAlignment, rounded) != 0) return constant;
    std::memset(memory, 0, rounded);
    constant.owner = std::shared_ptr<const void>(memory, [](const void* p) { free(const_cast<void*>(p)); });
  }
  constant.data = memory;
  constant.size_bytes = size_bytes;
  *writable = memory;
  return constant;
}

Constant make_constant(const void* bytes, std::size_t size_bytes) {
  void* writable = nullptr;
  Constant constant = allocate_constant(size_bytes, &writable);
  if (writable != nullptr && size_bytes > 0) std::memcpy(writable, bytes, size_bytes);
  return constant;
}

ValueId Graph::add_value(Value value) {
  values_.push_back(std::move(value));
  return {static_cast<std::int32_t>(values_.size() - 1)};
}

ValueId Graph::add_input(std::string input_name, DataType type, const Shape& shape) {
  Value value;
  value.name = std::move(input_name);
  value.type = {type, shape};
  const ValueId id = add_value(std::move(value));
  inputs.push_back(id);
  return id;
}

Result<ValueId> Graph::add_constant(std::string constant_name, DataType type, const Shape& shape, const void* elements,
                                    std::size_t size_bytes) {
  std::int64_t count = 0;
  DOTORI_RETURN_IF_ERROR(
      expect_range("data type", static_cast<long long>(type), 0, static_cast<long long>(DataType::kCount) - 1)
          .with_context("constant '" + constant_name + "'"));
  const Result<std::int64_t> checked = shape.checked_elements();
  if (!checked.ok()) return checked.status().with_context("constant '" + constant_name + "'");
  count = *checked;
  if (size_bytes != static_cast<std::size_t>(count) * data_type_bytes(type)) {
    return invalid_argument("constant '" + constant_name + "': " + type_text({type, shape}) + " needs " +
                            std::to_string(static_cast<std::size_t>(count) * data_type_bytes(type)) + " bytes, found " +
                            std::to_string(size_bytes));
  }
  Value value;
  value.name = unique_value_name(constant_name);
  value.type = {type, shape};
  value.constant = make_constant(elements, size_bytes);
  if (!value.is_constant()) {
    return out_of_memory("constant '" + constant_name + "' of " + std::to_string(size_bytes) + " bytes");
  }
  return add_value(std::move(value));
}

ValueId Graph::add_constant_f32(std::string constant_name, const Shape& shape, std::vector<float> elements) {
  const std::size_t size_bytes = elements.size() * sizeof(float);
  const Result<ValueId> id =
      add_constant(std::move(constant_name), DataType::kFloat32, shape, elements.data(), size_bytes);
  return id.ok() ? *id : ValueId{};
}

Result<std::vector<TensorType>> Graph::infer_outputs(const Node& node, int count) const {
  std::vector<Operand> operands;
  operands.reserve(node.inputs.size());
  for (ValueId id : node.inputs) {
    if (!id.valid()) break;
    operands.push_back(operand(id));
  }
  std::vector<TensorType> types(static_cast<std::size_t>(count));
  const Status status = infer(node.op, operands, types);
  if (!status.ok()) return status.with_context(describe_node(*this, node));
  return types;
}

Result<TensorType> Graph::infer_node(const Node& node) const {
  DOTORI_ASSIGN_OR_RETURN(const std::vector<TensorType> types, infer_outputs(node, 1));
  return types[0];
}

Result<std::vector<ValueId>> Graph::add_node_outputs(std::string node_name, Op op, std::vector<ValueId> node_inputs,
                                                     int count) {
  Node node;
  node.name = std::move(node_name);
  node.op = std::move(op);
  node.inputs = std::move(node_inputs);
  while (!node.inputs.empty() && !node.inputs.back().valid()) node.inputs.pop_back();
  if (node.name.empty()) node.name = op_name(node.op);
  for (ValueId id : node.inputs) {
    if (!in_range(*this, id)) {
      return invalid_argument(std::string(op_name(node.op)) + " '" + node.name +
                              "': an input value does not exist (id " + std::to_string(id.index) + ")");
    }
  }
  DOTORI_ASSIGN_OR_RETURN(const std::vector<TensorType> types, infer_outputs(node, count));
  node.name =
      unique_name(node.name, nodes_.size(), [&](std::size_t i) -> const std::string& { return nodes_[i].name; });
  for (std::size_t i = 0; i < types.size(); ++i) {
    Value output;
    output.type = types[i];
    output.name = unique_value_name(i == 0 ? node.name : node.name + "/" + std::to_string(i));
    node.outputs.push_back(add_value(std::move(output)));
  }
  std::vector<ValueId> ids = node.outputs;
  nodes_.push_back(std::move(node));
  return ids;
}

Result<ValueId> Graph::add_node(std::string node_name, Op op, std::vector<ValueId> node_inputs) {
  DOTORI_ASSIGN_OR_RETURN(const std::vector<ValueId> ids,
                          add_node_outputs(std::move(node_name), std::move(op), std::move(node_inputs), 1));
  return ids[0];
}

std::string Graph::unique_value_name(const std::string& base) const {
  return unique_name(base, values_.size(), [&](std::size_t i) -> const std::string& { return values_[i].name; });
}

Operand Graph::operand(ValueId id) const noexcept {
  const Value& v = value(id);
  return {v.type, v.constant.data};
}

NodeId Graph::producer(ValueId id) const noexcept {
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    for (ValueId output : nodes_[n].outputs) {
      if (output == id) return {static_cast<std::int32_t>(n)};
    }
  }
  return {};
}

std::int64_t Graph::parameter_count() const noexcept {
  std::vector<bool> counted(values_.size(), false);
  std::int64_t count = 0;
  for (const Node& n : nodes_) {
    for (ValueId id : n.inputs) {
      if (!in_range(*this, id) || counted[static_cast<std::size_t>(id.index)]) continue;
      counted[static_cast<std::size_t>(id.index)] = true;
      const Value& v = value(id);
      const bool number = v.type.type == DataType::kFloat32 || v.type.type == DataType::kInt8 ||
                          (v.type.type == DataType::kInt32 && !v.quantization.empty());
      if (v.is_constant() && number) count += v.type.shape.elements();
    }
  }
  return count;
}

const char* node_display_name(const Graph& graph, const Node& node) noexcept {
  if (const auto* conv = std::get_if<Conv2d>(&node.op)) {
    if (conv->groups > 1 && !node.inputs.empty() && in_range(graph, node.inputs[0])) {
      const Shape& x = graph.value(node.inputs[0]).type.shape;
      if (x.rank() == 4 && x[3] == conv->groups) return "depthwise_conv2d";
    }
  }
  return op_display_name(node.op);
}

std::string describe_node(const Graph& graph, const Node& node) {
  std::string text = std::string(op_name(node.op)) + " '" + node.name + "' (";
  constexpr std::size_t kShown = 4;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (i > 0) text += ", ";
    if (i == kShown) {
      text += "and " + std::to_string(node.inputs.size() - i) + " more";
      break;
    }
    text += input_name(node.op, i);
    text += ' ';
    text += in_range(graph, node.inputs[i]) ? graph.value(node.inputs[i]).type.shape.to_string() : "none";
  }
  return text + ")";
}

std::int64_t node_macs(const Graph& graph, const Node& node) noexcept {
  if (!has_filters(node.op) || node.inputs.size() < 2 || node.outputs.empty()) return 0;
  const Shape& weights = graph.value(node.inputs[1]).type.shape;
  const Shape& out = graph.value(node.outputs[0]).type.shape;
  // Each output element of a convolution, and each input pixel of a transposed one, meets one filter.
  if (!is_transposed_conv(node.op)) return out.elements() * (weights.elements() / weights[0]);
  const Shape& x = graph.value(node.inputs[0]).type.shape;
  return x.elements() / x[x.rank() - 1] * weights.elements();
}

const Tuning* tuning_for(const Graph& graph, const char* isa) noexcept {
  for (const Tuning& tuning : graph.tunings)
    if (tuning.isa == isa && tuning.nodes.size() == graph.nodes().size()) return &tuning;
  return nullptr;
}

std::string to_string(const Graph& graph) {
  std::string text;
  for (ValueId id : graph.inputs)
    text += "input " + graph.value(id).name + " " + type_text(graph.value(id).type) + "\n";
  for (const Node& node : graph.nodes()) {
    const std::string op = op_to_string(node.op);
    const std::size_t open = op.find('(');
    text += op.substr(0, open) + " '" + node.name + "' (";
    bool first = true;
    for (ValueId id : node.inputs) {
      if (!first) text += ", ";
      first = false;
      text += id.valid() ? operand_text(graph.value(id)) : "none";
    }
    text += ")";
    if (open + 2 < op.size()) text += " " + op.substr(open + 1, op.size() - open - 2);
    text += " ->";
    for (ValueId id : node.outputs) {
      text += (id == node.outputs[0] ? " " : ", ") + graph.value(id).name + " " + type_text(graph.value(id).type);
    }
    text += "\n";
  }
  for (ValueId id : graph.outputs) text += "output " + graph.value(id).name + "\n";
  return text;
}

}  // namespace dotori::graph
