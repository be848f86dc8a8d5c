// SPDX-License-Identifier: Apache-2.0
// What a backend outside the library sees of a network.
#include <dotori/backend.h>

#include <cstring>

#include "graph/fields.h"
#include "graph/graph.h"

namespace dotori {
namespace {

const graph::Value& value_of(const graph::Graph& graph, int index) noexcept {
  return graph.values()[static_cast<std::size_t>(index)];
}

}  // namespace

const std::string& ValueView::name() const noexcept {
  return value_of(*graph_, index_).name;
}
DataType ValueView::type() const noexcept {
  return value_of(*graph_, index_).type.type;
}
const Shape& ValueView::shape() const noexcept {
  return value_of(*graph_, index_).type.shape;
}
const Quantization& ValueView::quantization() const noexcept {
  return value_of(*graph_, index_).quantization;
}
const void* ValueView::constant() const noexcept {
  return value_of(*graph_, index_).constant.data;
}

const graph::Node& NodeView::node() const noexcept {
  return graph_->nodes()[static_cast<std::size_t>(index_)];
}
const std::string& NodeView::name() const noexcept {
  return node().name;
}
const char* NodeView::op() const noexcept {
  return graph::op_name(node().op);
}
int NodeView::input_count() const noexcept {
  return static_cast<int>(node().inputs.size());
}
bool NodeView::has_input(int i) const noexcept {
  return i >= 0 && i < input_count() && node().inputs[static_cast<std::size_t>(i)].valid();
}
ValueView NodeView::input(int i) const noexcept {
  return ValueView(*graph_, node().inputs[static_cast<std::size_t>(i)].index);
}
int NodeView::output_count() const noexcept {
  return static_cast<int>(node().outputs.size());
}
ValueView NodeView::output(int i) const noexcept {
  return ValueView(*graph_, node().outputs[static_cast<std::size_t>(i)].index);
}

Result<double> NodeView::number(const char* attribute) const {
  bool found = false;
  double number = 0;
  graph::visit_op_fields(node().op, [&](const char* field_name, const auto& field) {
    using Field = std::decay_t<decltype(field)>;
    if constexpr (std::is_arithmetic_v<Field>) {
      if (std::strcmp(field_name, attribute) != 0) return;
      found = true;
      number = static_cast<double>(field);
    }
  });
  if (found) return number;
  return invalid_argument(std::string("operator '") + op() + "' has no number '" + attribute + "'");
}

Result<std::string> NodeView::text(const char* attribute) const {
  return graph::attribute_text(node().op, attribute);
}

}  // namespace dotori
