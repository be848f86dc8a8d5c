// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/left_out.h"

#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/row_stage.h"

namespace dotori::backends::cpu {

// Written by CMake: a line DOTORI_LEFT_OUT(type, name) for each operator that is not built.
#define DOTORI_LEFT_OUT(type, name)                                                         \
  Status compile(const graph::type&, CompileContext&) {                                     \
    return unsupported("operator " #name " was left out of this build (DOTORI_OPERATORS)"); \
  }
#include "backends/left_out.inc"
#undef DOTORI_LEFT_OUT

// What only some operators have besides compile().
#if defined(DOTORI_WITHOUT_CONV2D)
Result<std::unique_ptr<RowStage>> row_stage(const graph::Conv2d& op, CompileContext& context) {
  return compile(op, context);
}
#endif

namespace {

// Operators that move or convert elements and have one code for all types.
struct ComputesInItsType {
  template <class T>
  bool operator()(const T&) const {
    return true;
  }
  bool operator()(const graph::Reshape&) const { return false; }
  bool operator()(const graph::Transpose&) const { return false; }
  bool operator()(const graph::Slice&) const { return false; }
  bool operator()(const graph::Gather&) const { return false; }
  bool operator()(const graph::Cast&) const { return false; }
  bool operator()(const graph::DepthToSpace&) const { return false; }
  bool operator()(const graph::SpaceToDepth&) const { return false; }
  bool operator()(const graph::Quantize&) const { return false; }
  bool operator()(const graph::Dequantize&) const { return false; }
  bool operator()(const graph::SsdPostProcess&) const { return false; }
};

}  // namespace

Status check_precision(const CompileContext& context) {
  if ((kHasInt8 && kHasFloat32) || !std::visit(ComputesInItsType{}, context.node().op)) return {};
  const graph::Value& x = context.input_value(0);
  const graph::Value& y = context.output_value();
  const bool int8 = x.type.type == DataType::kInt8;
  if (int8 && !kHasInt8) return unsupported("int8 was left out of this build (DOTORI_PRECISIONS)");
  // Stricter than the type, because is_quantized() is then taken for granted.
  const bool quantized = int8 && !x.quantization.empty() && (y.type.type != DataType::kInt8 || !y.quantization.empty());
  if (!quantized && !kHasFloat32) {
    return unsupported(std::string(data_type_name(x.type.type)) +
                       " was left out of this build, which computes in int8 only (DOTORI_PRECISIONS)");
  }
  return {};
}

}  // namespace dotori::backends::cpu
