// SPDX-License-Identifier: Apache-2.0
#include "graph/op.h"

#include <charconv>
#include <cstring>

#include "graph/fields.h"

namespace dotori::graph {
namespace {

constexpr const char* kOpNames[] = {
    "none",
#define DOTORI_OP(type, file) #file,
#include "graph/ops.inc"
#undef DOTORI_OP
};
static_assert(sizeof kOpNames / sizeof kOpNames[0] == std::variant_size_v<Op>);

const char* enumerator_name(DataType v) {
  return data_type_name(v);
}
const char* enumerator_name(Function v) {
  return function_name(v);
}
const char* enumerator_name(BinaryFunction v) {
  return binary_function_name(v);
}
const char* enumerator_name(ReduceFunction v) {
  return reduce_function_name(v);
}
const char* enumerator_name(PadMode v) {
  return pad_mode_name(v);
}
const char* enumerator_name(ResizeFilter v) {
  return resize_filter_name(v);
}
const char* enumerator_name(CoordinateRule v) {
  return coordinate_rule_name(v);
}
const char* enumerator_name(NearestRule v) {
  return nearest_rule_name(v);
}

std::string field_text(int v) {
  return std::to_string(v);
}
std::string field_text(bool v) {
  return v ? "true" : "false";
}
std::string field_text(const Shape& v) {
  return v.to_string();
}
std::string field_text(float v) {
  // The shortest digits that read back as the same float, whatever the locale.
  char digits[32];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, v);
  return std::string(digits, end.ptr);
}
template <class E, class = std::enable_if_t<std::is_enum_v<E>>>
std::string field_text(E v) {
  return enumerator_name(v);
}

template <class T>
bool same_field(const T& a, const T& b) {
  return a == b;
}
// By bits: a NaN equals itself, and -0 is not 0.
bool same_field(float a, float b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

// The index-th field of `op` compared with `field`.
template <class OpStruct, class Field>
bool field_equals(const OpStruct& op, int index, const Field& field) {
  bool same = false;
  int i = 0;
  visit_fields(op, [&](const char*, const auto& other) {
    if constexpr (std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(other)>>, Field>) {
      if (i == index) same = same_field(field, other);
    }
    ++i;
  });
  return same;
}

template <class OpStruct>
std::string struct_text(const OpStruct& op) {
  const OpStruct plain{};
  std::string text;
  int index = 0;
  visit_fields(op, [&](const char* name, const auto& field) {
    if (!field_equals(plain, index++, field))
      text += (text.empty() ? "" : ", ") + std::string(name) + "=" + field_text(field);
  });
  return text;
}

template <class OpStruct>
bool struct_equals(const OpStruct& a, const OpStruct& b) {
  bool same = true;
  int index = 0;
  visit_fields(a, [&](const char*, const auto& field) { same = field_equals(b, index++, field) && same; });
  return same;
}

template <class AnyOp, class Result>
Result activation_of(AnyOp& op) {
  if (auto* conv = std::get_if<Conv2d>(&op)) return &conv->activation;
  if (auto* conv = std::get_if<ConvTranspose2d>(&op)) return &conv->activation;
  if (auto* conv = std::get_if<Conv3d>(&op)) return &conv->activation;
  if (auto* conv = std::get_if<ConvTranspose3d>(&op)) return &conv->activation;
  if (auto* fully_connected = std::get_if<FullyConnected>(&op)) return &fully_connected->activation;
  if (auto* binary = std::get_if<Binary>(&op)) return &binary->activation;
  return nullptr;
}

}  // namespace

Result<std::string> attribute_text(const Op& op, const char* attribute) {
  bool found = false;
  std::string words;
  visit_op_fields(op, [&](const char* name, const auto& field) {
    if (std::strcmp(name, attribute) != 0) return;
    found = true;
    words = field_text(field);
  });
  if (found) return words;
  return invalid_argument(std::string("operator '") + op_name(op) + "' has no attribute '" + attribute + "'");
}

bool is_transposed_conv(const Op& op) noexcept {
  return std::holds_alternative<ConvTranspose2d>(op) || std::holds_alternative<ConvTranspose3d>(op);
}

bool has_filters(const Op& op) noexcept {
  return std::holds_alternative<Conv2d>(op) || std::holds_alternative<Conv3d>(op) || is_transposed_conv(op) ||
         std::holds_alternative<FullyConnected>(op);
}

int filter_groups(const Op& op) noexcept {
  if (const auto* conv = std::get_if<Conv2d>(&op)) return conv->groups;
  if (const auto* conv = std::get_if<ConvTranspose2d>(&op)) return conv->groups;
  if (const auto* conv = std::get_if<Conv3d>(&op)) return conv->groups;
  if (const auto* conv = std::get_if<ConvTranspose3d>(&op)) return conv->groups;
  return 1;
}

const char* op_name(const Op& op) noexcept {
  return kOpNames[op.index()];
}

const char* op_display_name(const Op& op) noexcept {
  if (const auto* conv = std::get_if<Conv2d>(&op)) return conv->groups > 1 ? "grouped_conv2d" : "conv2d";
  if (const auto* conv = std::get_if<Conv3d>(&op)) return conv->groups > 1 ? "grouped_conv3d" : "conv3d";
  if (const auto* binary = std::get_if<Binary>(&op)) return binary_function_name(binary->function);
  if (const auto* unary = std::get_if<Unary>(&op)) return function_name(unary->activation.function);
  if (const auto* reduce = std::get_if<Reduce>(&op)) return reduce_function_name(reduce->function);
  return op_name(op);
}

Result<Op> make_op(const std::string& name) {
#define DOTORI_OP(type, file) \
  if (name == #file) return Op(type{});
#include "graph/ops.inc"
#undef DOTORI_OP
  return unsupported("operator '" + name + "' is not known");
}

std::string op_to_string(const Op& op) {
  std::string fields = std::visit(
      [](const auto& held) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::monostate>) {
          return {};
        } else {
          return struct_text(held);
        }
      },
      op);
  return std::string(op_name(op)) + "(" + fields + ")";
}

bool operator==(const Op& a, const Op& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&](const auto& held) -> bool {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate>) {
          return true;
        } else {
          return struct_equals(held, *std::get_if<Held>(&b));
        }
      },
      a);
}

Status infer(const Op& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  return std::visit(
      [&](const auto& held) -> Status {
        if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::monostate>) {
          return invalid_argument("the node has no operator");
        } else {
          return infer(held, inputs, outputs);
        }
      },
      op);
}

Activation* fused_activation(Op& op) noexcept {
  return activation_of<Op, Activation*>(op);
}
const Activation* fused_activation(const Op& op) noexcept {
  return activation_of<const Op, const Activation*>(op);
}

}  // namespace dotori::graph
