// SPDX-License-Identifier: Apache-2.0
// One way to walk an operator's attributes, shared by the reader, the writer, the text dump and equality.
#pragma once

#include <cstddef>
#include <type_traits>

#include "graph/op.h"

namespace dotori::graph {

// Calls visit(name, field) once for each attribute of `op` (one of the structs in ops.inc, const or not), in
// declaration order, always in the same order. `field` is a reference to one of
//   int, bool, float, Shape, or an enumeration with kCount (DataType, Function, PadMode, …; see is_enum_field).
// A nested Activation is flattened into "activation.function", "activation.alpha" and "activation.beta". `name` is
// valid during the call only.
template <class OpStruct, class Visitor>
void visit_fields(OpStruct& op, Visitor&& visit) {
  std::remove_const_t<OpStruct>::fields(op, [&](const char* name, auto& field) {
    using Field = std::remove_const_t<std::remove_reference_t<decltype(field)>>;
    if constexpr (std::is_same_v<Field, Activation>) {
      Activation::fields(field, [&](const char* part, auto& leaf) {
        char full[64];
        std::size_t n = 0;
        for (const char* p = name; *p != 0 && n < sizeof full - 2; ++p) full[n++] = *p;
        full[n++] = '.';
        for (const char* p = part; *p != 0 && n < sizeof full - 1; ++p) full[n++] = *p;
        full[n] = 0;
        visit(static_cast<const char*>(full), leaf);
      });
    } else {
      visit(name, field);
    }
  });
}

// The same for the operator that `op` (Op or const Op) holds; no call for std::monostate.
template <class AnyOp, class Visitor>
void visit_op_fields(AnyOp& op, Visitor&& visit) {
  std::visit(
      [&](auto& held) {
        using Held = std::remove_const_t<std::remove_reference_t<decltype(held)>>;
        if constexpr (!std::is_same_v<Held, std::monostate>) visit_fields(held, visit);
      },
      op);
}

// True for a field type that is an enumeration. Stored as its number, which must be below enum_field_count<E>.
template <class Field>
constexpr bool is_enum_field = std::is_enum_v<std::remove_const_t<Field>>;
template <class E>
constexpr int enum_field_count = static_cast<int>(std::remove_const_t<E>::kCount);

}  // namespace dotori::graph
