// SPDX-License-Identifier: Apache-2.0
#include "graph/verify.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "graph/ops/checks.h"
#include "graph/verify_quantization.h"
#include "graph/verify_task.h"

namespace dotori::graph {
namespace {

constexpr std::size_t kMaxCount = 65536;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 31;

enum class Source : unsigned char { kNone, kInput, kConstant, kNode };

bool in_range(const Graph& graph, ValueId id) {
  return id.valid() && static_cast<std::size_t>(id.index) < graph.values().size();
}

Status missing_value(const std::string& what, ValueId id) {
  return invalid_argument(what + " refers to value " + std::to_string(id.index) + ", which does not exist");
}

Status check_quantization(const Quantization& q, const TensorType& type) {
  if (q.zero_points.size() != q.scales.size()) {
    return invalid_argument("quantisation has " + std::to_string(q.scales.size()) + " scales and " +
                            std::to_string(q.zero_points.size()) + " zero points");
  }
  if (q.scales.size() > 1) {
    DOTORI_RETURN_IF_ERROR(check_axis(q.axis, type.shape.rank()).with_context("quantisation"));
    if (static_cast<std::int64_t>(q.scales.size()) != type.shape[q.axis]) {
      return invalid_argument("quantisation must have " + std::to_string(type.shape[q.axis]) + " scales, found " +
                              std::to_string(q.scales.size()));
    }
  }
  for (float scale : q.scales) {
    if (!std::isfinite(scale) || scale <= 0) {
      return invalid_argument("quantisation scales must be finite and positive, found " + std::to_string(scale));
    }
  }
  long long low = -(1ll << 31), high = (1ll << 31) - 1;
  if (type.type == DataType::kInt8) low = -128, high = 127;
  if (type.type == DataType::kUint8) low = 0, high = 255;
  for (std::int32_t zero_point : q.zero_points) {
    DOTORI_RETURN_IF_ERROR(expect_range("quantisation zero point", zero_point, low, high));
  }
  return {};
}

Status check_source_order(const Shape& order, int rank) {
  if (order.empty()) return {};
  bool seen[kMaxRank] = {};
  bool valid = order.rank() == rank;
  for (int i = 0; valid && i < rank; ++i) {
    valid = order[i] >= 0 && order[i] < rank && !seen[order[i]];
    if (valid) seen[order[i]] = true;
  }
  if (valid) return {};
  return invalid_argument("source_order must be a permutation of " + std::to_string(rank) + " axes, found " +
                          order.to_string());
}

Status check_value(const Value& value) {
  DOTORI_RETURN_IF_ERROR(check_enum("data type", value.type.type));
  std::int64_t elements = 0;
  DOTORI_ASSIGN_OR_RETURN(elements, value.type.shape.checked_elements());
  if (elements > kMaxElements) {
    return invalid_argument("shape " + value.type.shape.to_string() + " has more than 2^31 elements");
  }
  if (value.is_constant()) {
    const std::size_t needed = static_cast<std::size_t>(elements) * data_type_bytes(value.type.type);
    if (value.constant.size_bytes != needed) {
      return invalid_argument(std::string("constant ") + data_type_name(value.type.type) + " " +
                              value.type.shape.to_string() + " needs " + std::to_string(needed) + " bytes, found " +
                              std::to_string(value.constant.size_bytes));
    }
    if (reinterpret_cast<std::uintptr_t>(value.constant.data) % data_type_bytes(value.type.type) != 0) {
      return invalid_argument("the constant's elements are not aligned");
    }
  }
  DOTORI_RETURN_IF_ERROR(check_quantization(value.quantization, value.type));
  return check_source_order(value.source_order, value.type.shape.rank());
}

// Names are what messages, users and profiles go by: none empty, none twice.
Status check_names(std::vector<const std::string*> names, const char* what) {
  std::sort(names.begin(), names.end(), [](const std::string* a, const std::string* b) { return *a < *b; });
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i]->empty()) return invalid_argument(std::string("a ") + what + " has no name");
    if (i > 0 && *names[i] == *names[i - 1]) {
      return invalid_argument(std::string("two ") + what + "s are called '" + *names[i] + "'");
    }
  }
  return {};
}

Status check_node(const Graph& graph, const Node& node, std::vector<Source>& sources) {
  bool left_out = false;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const ValueId id = node.inputs[i];
    const std::string what = "input " + std::to_string(i);
    if (!id.valid()) {
      left_out = true;
      continue;
    }
    if (left_out) return invalid_argument(what + " follows an input that is left out");
    if (!in_range(graph, id)) return missing_value(what, id);
    if (sources[static_cast<std::size_t>(id.index)] == Source::kNone) {
      return invalid_argument(what + ", value '" + graph.value(id).name + "', is not written by an earlier node");
    }
  }
  // Before the types are looked at, so that a node with too many outputs is found by its operator.
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const ValueId id = node.outputs[i];
    const std::string what = "output " + std::to_string(i);
    if (!in_range(graph, id)) return missing_value(what, id);
    Source& source = sources[static_cast<std::size_t>(id.index)];
    if (source != Source::kNone) {
      const char* const kinds[] = {"", "a graph input", "a constant",
                                   "written by another node or by an input of its own"};
      return invalid_argument(what + ", value '" + graph.value(id).name + "', is " +
                              kinds[static_cast<std::size_t>(source)] + " already");
    }
    source = Source::kNode;
  }
  std::vector<Operand> operands;
  for (ValueId id : node.inputs) {
    if (id.valid()) operands.push_back(graph.operand(id));
  }
  std::vector<TensorType> types(node.outputs.size());
  DOTORI_RETURN_IF_ERROR(infer(node.op, operands, types));
  for (std::size_t i = 0; i < types.size(); ++i) {
    const Value& value = graph.value(node.outputs[i]);
    if (types[i] == value.type) continue;
    return invalid_argument("output '" + value.name + "' must be " + data_type_name(types[i].type) + " " +
                            types[i].shape.to_string() + ", found " + data_type_name(value.type.type) + " " +
                            value.type.shape.to_string());
  }
  return verify_quantization(graph, node);
}

}  // namespace

Status verify(const Graph& graph) {
  const std::vector<Value>& values = graph.values();
  const std::vector<Node>& nodes = graph.nodes();
  if (values.size() > kMaxCount || nodes.size() > kMaxCount) {
    return invalid_argument("the graph has " + std::to_string(values.size()) + " values and " +
                            std::to_string(nodes.size()) + " nodes, at most 65536 of each are supported");
  }
  if (graph.inputs.empty()) return invalid_argument("the graph has no input");
  if (graph.outputs.empty()) return invalid_argument("the graph has no output");

  std::vector<Source> sources(values.size(), Source::kNone);
  for (std::size_t i = 0; i < values.size(); ++i) {
    DOTORI_RETURN_IF_ERROR(check_value(values[i]).with_context("value '" + values[i].name + "'"));
    if (values[i].is_constant()) sources[i] = Source::kConstant;
  }
  for (ValueId id : graph.inputs) {
    if (!in_range(graph, id)) return missing_value("a graph input", id);
    Source& source = sources[static_cast<std::size_t>(id.index)];
    if (source != Source::kNone) {
      return invalid_argument("graph input '" + graph.value(id).name + "' is " +
                              (source == Source::kConstant ? "a constant" : "listed twice"));
    }
    source = Source::kInput;
  }
  for (const Node& node : nodes) {
    DOTORI_RETURN_IF_ERROR(check_node(graph, node, sources).with_context(describe_node(graph, node)));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (sources[i] == Source::kNone) {
      return invalid_argument("value '" + values[i].name + "' is no input, no constant and written by no node");
    }
  }
  for (ValueId id : graph.outputs) {
    if (!in_range(graph, id)) return missing_value("a graph output", id);
    if (sources[static_cast<std::size_t>(id.index)] != Source::kNode) {
      return invalid_argument("graph output '" + graph.value(id).name + "' must be written by a node");
    }
  }

  std::vector<const std::string*> names;
  for (const Value& value : values) names.push_back(&value.name);
  DOTORI_RETURN_IF_ERROR(check_names(std::move(names), "value"));
  names = {};
  for (const Node& node : nodes) names.push_back(&node.name);
  DOTORI_RETURN_IF_ERROR(check_names(std::move(names), "node"));
  return verify_task(graph.task, graph.outputs.size()).with_context("task");
}

}  // namespace dotori::graph
