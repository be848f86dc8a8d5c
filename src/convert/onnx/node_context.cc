// SPDX-License-Identifier: Apache-2.0
#include "convert/onnx/node_context.h"

#include <algorithm>

namespace dotori::convert::onnx {

using dotori_onnx::AttributeProto;

NodeContext::NodeContext(const dotori_onnx::NodeProto& proto, int opset, std::string name, Builder* builder)
    : proto_(proto), opset_(opset), name_(std::move(name)), builder_(builder) {
  outputs_.resize(static_cast<std::size_t>(proto.output_size()));
}

const AttributeProto* NodeContext::find(const char* name, int type) {
  known_attributes_.insert(name);
  for (const AttributeProto& a : proto_.attribute()) {
    if (a.name() != name) continue;
    if (a.has_ref_attr_name()) unsupported("attribute '" + a.name() + "' refers to a function's attribute");
    // Files of IR version 1 and 2 leave the type out.
    if (a.type() != AttributeProto::UNDEFINED && a.type() != type) {
      corrupt("attribute '" + a.name() + "' must be of type " + std::to_string(type) + ", found " +
              std::to_string(a.type()));
    }
    return &a;
  }
  return nullptr;
}

bool NodeContext::has_attr(const char* name) {
  known_attributes_.insert(name);
  return std::any_of(proto_.attribute().begin(), proto_.attribute().end(),
                     [&](const AttributeProto& a) { return a.name() == name; });
}

std::int64_t NodeContext::attr_int(const char* name, std::int64_t fallback) {
  const AttributeProto* a = find(name, AttributeProto::INT);
  return a != nullptr ? a->i() : fallback;
}

float NodeContext::attr_float(const char* name, float fallback) {
  const AttributeProto* a = find(name, AttributeProto::FLOAT);
  return a != nullptr ? a->f() : fallback;
}

std::string NodeContext::attr_string(const char* name, const std::string& fallback) {
  const AttributeProto* a = find(name, AttributeProto::STRING);
  return a != nullptr ? a->s() : fallback;
}

Dims NodeContext::attr_ints(const char* name, const Dims& fallback) {
  const AttributeProto* a = find(name, AttributeProto::INTS);
  return a != nullptr ? Dims(a->ints().begin(), a->ints().end()) : fallback;
}

std::vector<float> NodeContext::attr_floats(const char* name) {
  const AttributeProto* a = find(name, AttributeProto::FLOATS);
  return a != nullptr ? std::vector<float>(a->floats().begin(), a->floats().end()) : std::vector<float>();
}

const dotori_onnx::TensorProto* NodeContext::attr_tensor(const char* name) {
  const AttributeProto* a = find(name, AttributeProto::TENSOR);
  return a != nullptr ? &a->t() : nullptr;
}

const dotori_onnx::GraphProto* NodeContext::attr_graph(const char* name) {
  const AttributeProto* a = find(name, AttributeProto::GRAPH);
  return a != nullptr ? &a->g() : nullptr;
}

void NodeContext::check_attributes() const {
  for (const AttributeProto& a : proto_.attribute()) {
    if (known_attributes_.count(a.name()) == 0) {
      unsupported("attribute '" + a.name() + "' of " + op_type() + " is not known (opset " + std::to_string(opset_) +
                  ")");
    }
  }
}

bool NodeContext::all_inputs_known() const noexcept {
  return std::all_of(inputs_.begin(), inputs_.end(), [](const Tensor* t) { return t == nullptr || t->is_host(); });
}

const Tensor& NodeContext::input(int i) const {
  if (!has_input(i)) {
    corrupt(op_type() + " needs input " + std::to_string(i) + ", which is left out; it has " +
            std::to_string(input_count()) + " inputs");
  }
  return *inputs_[static_cast<std::size_t>(i)];
}

Tensor NodeContext::graph_input(int i) {
  const Tensor& t = input(i);
  return builder_->promoted(t, proto_.input(i));
}

const HostTensor& NodeContext::known(int i, const char* what) const {
  const Tensor& t = input(i);
  if (!t.is_host()) unsupported(std::string(what) + " (input " + std::to_string(i) + ") must be a constant");
  return *t.host;
}

Dims NodeContext::known_ints(int i, const char* what) const {
  const HostTensor& t = known(i, what);
  if (t.dims.size() > 1) {
    corrupt(std::string(what) + " must be a list, found shape " + dims_text(t.dims));
  }
  Dims out;
  for (std::int64_t k = 0; k < t.count(); ++k) out.push_back(t.integer(k));
  return out;
}

Dims NodeContext::known_ints_or(int i, const char* what, const Dims& fallback) const {
  return has_input(i) ? known_ints(i, what) : fallback;
}

double NodeContext::known_scalar(int i, const char* what) const {
  const HostTensor& t = known(i, what);
  if (t.count() != 1) corrupt(std::string(what) + " must be one number, found shape " + dims_text(t.dims));
  return t.real(0);
}

int NodeContext::axis(std::int64_t axis, int rank) const {
  if (axis < -rank || axis >= rank) {
    corrupt("axis " + std::to_string(axis) + " is not in [" + std::to_string(-rank) + ", " + std::to_string(rank) +
            ")");
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Axes NodeContext::axes(const Dims& list, int rank) const {
  Axes out;
  for (std::int64_t a : list) out.push_back(axis(a, rank));
  std::sort(out.begin(), out.end());
  if (std::adjacent_find(out.begin(), out.end()) != out.end()) corrupt("axes " + dims_text(list) + " repeat one");
  return out;
}

void NodeContext::expect_rank(const Tensor& t, int wanted) const {
  if (t.rank() != wanted) {
    unsupported(op_type() + " takes tensors of rank " + std::to_string(wanted) + ", found shape " + dims_text(t.dims));
  }
}

bool NodeContext::wants_output(int i) const noexcept {
  return i < static_cast<int>(wanted_.size()) && wanted_[static_cast<std::size_t>(i)];
}

void NodeContext::set_output(int i, Tensor tensor) {
  if (i >= output_count()) corrupt(op_type() + " needs output " + std::to_string(i));
  outputs_[static_cast<std::size_t>(i)] = std::move(tensor);
}

int small_int(std::int64_t value, const char* what) {
  if (value < 0 || value > (std::int64_t{1} << 30)) {
    fail(unsupported(std::string(what) + " must be in 0..2^30, found " + std::to_string(value)));
  }
  return static_cast<int>(value);
}

}  // namespace dotori::convert::onnx
