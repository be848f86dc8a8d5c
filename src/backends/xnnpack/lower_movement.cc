// SPDX-License-Identifier: Apache-2.0
// Operators that move elements, and those XNNPACK's subgraphs do not have.
#include "backends/cpu/ops/quantized.h"
#include "backends/xnnpack/lowering.h"

namespace dotori::backends::xnnpack {
namespace {

struct Dims {
  std::size_t of[kMaxRank] = {};
};

Dims dims_of(const Shape& shape) {
  Dims dims;
  for (int i = 0; i < shape.rank(); ++i) dims.of[i] = static_cast<std::size_t>(shape[i]);
  return dims;
}

#if !DOTORI_XNNPACK_HAS_CONCATENATE || !DOTORI_XNNPACK_HAS_TRANSPOSE
Status not_in_this_version(const char* what) {
  return unsupported(std::string("XNNPACK's subgraphs have no ") + what + " in this version");
}
#endif
Status no_such_operator(const char* what) {
  return unsupported(std::string("XNNPACK's subgraphs have no ") + what);
}

}  // namespace

Status lower(const graph::Reshape&, Lowering& context) {
  DOTORI_RETURN_IF_ERROR(context.expect_float_or_int8());
  const Shape& shape = context.output_shape();
  if (shape.rank() == 0) return unsupported("XNNPACK has no reshape to a scalar");
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t x, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t y, context.output());
  const Dims dims = dims_of(shape);
  return accepted(
      xnn_define_static_reshape(context.subgraph(), static_cast<std::size_t>(shape.rank()), dims.of, x, y, 0),
      "xnn_define_static_reshape");
}

Status lower(const graph::Pad& op, Lowering& context) {
  DOTORI_RETURN_IF_ERROR(context.expect_float_or_int8());
  if (op.mode != graph::PadMode::kConstant)
    return unsupported(std::string("XNNPACK has no padding of mode ") + graph::pad_mode_name(op.mode));
  float value = op.value;
  if (context.is_int8()) {
    const graph::Value& y = context.output_value();
    value = static_cast<float>(cpu::quantize_constant(op.value, y) - cpu::tensor_zero_point(y));
  }
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t x, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t y, context.output());
  const Dims before = dims_of(op.before), after = dims_of(op.after);
  return accepted(xnn_define_static_constant_pad(context.subgraph(), before.of, after.of, value, x, y, 0),
                  "xnn_define_static_constant_pad");
}

Status lower(const graph::DepthToSpace& op, Lowering& context) {
  DOTORI_RETURN_IF_ERROR(context.expect_float_or_int8());
  if (op.column_first) return unsupported("XNNPACK's depth_to_space takes the channels depth first only");
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t x, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t y, context.output());
  return accepted(xnn_define_depth_to_space(context.subgraph(), x, y, static_cast<std::uint32_t>(op.block), 0),
                  "xnn_define_depth_to_space");
}

#if DOTORI_XNNPACK_HAS_CONCATENATE
Status lower(const graph::Concat& op, Lowering& context) {
  DOTORI_RETURN_IF_ERROR(context.expect_float_or_int8());
  const std::size_t count = context.node().inputs.size(), axis = static_cast<std::size_t>(op.axis);
  if (count < 2 || count > 4) return unsupported("XNNPACK joins 2 to 4 tensors, found " + std::to_string(count));
  std::uint32_t x[4] = {};
  for (std::size_t i = 0; i < count; ++i) {
    if (context.is_int8() &&
        !(context.input_value(static_cast<int>(i)).quantization == context.output_value().quantization))
      return unsupported("XNNPACK joins tensors of one quantisation only");
    DOTORI_ASSIGN_OR_RETURN(x[i], context.input(static_cast<int>(i)));
  }
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t y, context.output());
  const xnn_subgraph_t subgraph = context.subgraph();
  if (count == 2) return accepted(xnn_define_concatenate2(subgraph, axis, x[0], x[1], y, 0), "xnn_define_concatenate2");
  if (count == 3)
    return accepted(xnn_define_concatenate3(subgraph, axis, x[0], x[1], x[2], y, 0), "xnn_define_concatenate3");
  return accepted(xnn_define_concatenate4(subgraph, axis, x[0], x[1], x[2], x[3], y, 0), "xnn_define_concatenate4");
}
#else
Status lower(const graph::Concat&, Lowering&) {
  return not_in_this_version("concat");
}
#endif

#if DOTORI_XNNPACK_HAS_TRANSPOSE
Status lower(const graph::Transpose& op, Lowering& context) {
  DOTORI_RETURN_IF_ERROR(context.expect_float_or_int8());
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t x, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t y, context.output());
  const Dims order = dims_of(op.perm);
  return accepted(
      xnn_define_static_transpose(context.subgraph(), static_cast<std::size_t>(op.perm.rank()), order.of, x, y, 0),
      "xnn_define_static_transpose");
}
#else
Status lower(const graph::Transpose&, Lowering&) {
  return not_in_this_version("transpose");
}
#endif

Status lower(const graph::Slice&, Lowering&) {
  return no_such_operator("slice");
}
Status lower(const graph::ArgMax&, Lowering&) {
  return no_such_operator("arg_max");
}
Status lower(const graph::SpaceToDepth&, Lowering&) {
  return no_such_operator("space_to_depth");
}
Status lower(const graph::Cast&, Lowering&) {
  return no_such_operator("cast");
}
Status lower(const graph::Gather&, Lowering&) {
  return no_such_operator("gather");
}
Status lower(const graph::SsdPostProcess&, Lowering&) {
  return no_such_operator("ssd_post_process");
}
Status lower(const graph::Conv3d&, Lowering&) {
  return no_such_operator("conv3d");
}
Status lower(const graph::ConvTranspose3d&, Lowering&) {
  return no_such_operator("conv_transpose3d");
}
Status lower(const graph::MaxPool3d&, Lowering&) {
  return no_such_operator("max_pool3d");
}
Status lower(const graph::AveragePool3d&, Lowering&) {
  return no_such_operator("average_pool3d");
}

}  // namespace dotori::backends::xnnpack
