// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "convert/space_to_batch.h"
#include "convert/tflite/codes.h"

namespace dotori::convert::tflite {
namespace {

// `wanted` with its one -1 replaced so that the elements of `from` fit.
Result<Shape> resolve_shape(const std::vector<std::int64_t>& wanted, const Shape& from) {
  if (wanted.size() > static_cast<std::size_t>(kMaxRank))
    return unsupported("a shape of " + std::to_string(wanted.size()) + " dimensions, at most " +
                       std::to_string(kMaxRank) + " are supported");
  Shape shape;
  int open = -1;
  std::int64_t known = 1;
  const std::int64_t elements = from.elements();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const std::int64_t d = wanted[i];
    if (d == -1 && open < 0) {
      open = static_cast<int>(i);
      shape.push_back(1);
      continue;
    }
    if (d < 1 || d > elements / known)
      return corrupt_model("dimension " + std::to_string(i) + " of the new shape is " + std::to_string(d) +
                           " for an input " + from.to_string());
    known *= d;
    shape.push_back(d);
  }
  if (elements % known != 0 || (open < 0 && known != elements))
    return corrupt_model("the new shape does not hold the " + std::to_string(elements) + " elements of " +
                         from.to_string());
  if (open >= 0) shape[open] = elements / known;
  return shape;
}

Status emit_reshape(Builder& builder, const Operator& op, const Shape& shape) {
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  return builder.emit_output(op, graph::Reshape{shape}, {x});
}

}  // namespace

// The new shape is a constant second input, or ReshapeOptions.new_shape in files without one.
Status lower_reshape(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 1, 2));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kReshape));
  DOTORI_ASSIGN_OR_RETURN(const Shape from, builder.input_shape(op, 0));
  std::vector<std::int64_t> wanted;
  const FlatNumbers<std::int32_t> option = options.numbers<std::int32_t>(0);
  if (builder.has_input(op, 1) && (builder.input_tensor(op, 1).is_constant() || option.empty())) {
    DOTORI_ASSIGN_OR_RETURN(wanted, builder.integers(op, 1, "the new shape"));
  } else {
    for (std::size_t i = 0; i < option.size(); ++i) wanted.push_back(option[i]);
    // Old converters wrote a scalar's shape as one zero.
    if (wanted.size() == 1 && wanted[0] == 0) wanted.clear();
  }
  DOTORI_ASSIGN_OR_RETURN(const Shape shape, resolve_shape(wanted, from));
  return emit_reshape(builder, op, shape);
}

// SqueezeOptions: squeeze_dims; none listed: every dimension of 1.
Status lower_squeeze(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 1, 1));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kSqueeze));
  DOTORI_ASSIGN_OR_RETURN(const Shape from, builder.input_shape(op, 0));
  bool drop[kMaxRank] = {};
  const FlatNumbers<std::int32_t> dims = options.numbers<std::int32_t>(0);
  for (std::size_t i = 0; i < dims.size(); ++i) {
    DOTORI_ASSIGN_OR_RETURN(const int axis, builder.axis(dims[i], from.rank()));
    if (from[axis] != 1)
      return corrupt_model("dimension " + std::to_string(axis) + " of " + from.to_string() + " is not 1");
    drop[axis] = true;
  }
  Shape shape;
  for (int k = 0; k < from.rank(); ++k)
    if (!(dims.empty() ? from[k] == 1 : drop[k])) shape.push_back(from[k]);
  return emit_reshape(builder, op, shape);
}

Status lower_expand_dims(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 2, 2));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const Shape from, builder.input_shape(op, 0));
  DOTORI_ASSIGN_OR_RETURN(const std::int64_t wanted, builder.integer(op, 1, "the axis"));
  DOTORI_ASSIGN_OR_RETURN(const int axis, builder.axis(wanted, from.rank() + 1));
  if (from.rank() == kMaxRank) return unsupported("a seventh dimension");
  Shape shape;
  for (int k = 0; k <= from.rank(); ++k) {
    if (k == axis) shape.push_back(1);
    if (k < from.rank()) shape.push_back(from[k]);
  }
  return emit_reshape(builder, op, shape);
}

Status lower_transpose(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 2, 2));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const Shape from, builder.input_shape(op, 0));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::int64_t> wanted, builder.integers(op, 1, "the permutation"));
  if (wanted.size() != static_cast<std::size_t>(from.rank()))
    return corrupt_model("a permutation of " + std::to_string(wanted.size()) + " axes for an input " +
                         from.to_string());
  graph::Transpose node;
  for (std::int64_t a : wanted) {
    DOTORI_ASSIGN_OR_RETURN(const int axis, builder.axis(a, from.rank()));
    node.perm.push_back(axis);
  }
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  return builder.emit_output(op, node, {x});
}

namespace {

Result<int> block_size(Builder& builder, const Operator& op, OptionsType type) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 1, 1));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, type));
  const std::int32_t block = options.number<std::int32_t>(0);
  DOTORI_RETURN_IF_ERROR(graph::expect_range("block_size", block, 1, 1 << 15));
  return static_cast<int>(block);
}

}  // namespace

Status lower_depth_to_space(Builder& builder, const Operator& op) {
  graph::DepthToSpace node;
  DOTORI_ASSIGN_OR_RETURN(node.block, block_size(builder, op, OptionsType::kDepthToSpace));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  return builder.emit_output(op, node, {x});
}

Status lower_space_to_depth(Builder& builder, const Operator& op) {
  graph::SpaceToDepth node;
  DOTORI_ASSIGN_OR_RETURN(node.block, block_size(builder, op, OptionsType::kSpaceToDepth));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  return builder.emit_output(op, node, {x});
}

// x, block factors [2], paddings or crops [2,2].
Status lower_space_to_batch(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 3, 3));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const Shape from, builder.input_shape(op, 0));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::int64_t> block, builder.integers(op, 1, "the block shape"));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::int64_t> margins, builder.integers(op, 2, "the paddings or crops"));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<Move> moves, op.code == kSpaceToBatchNd
                                                             ? space_to_batch(from, block, margins)
                                                             : batch_to_space(from, block, margins));
  DOTORI_ASSIGN_OR_RETURN(graph::ValueId x, builder.input(op, 0));
  for (std::size_t i = 0; i + 1 < moves.size(); ++i) {
    DOTORI_ASSIGN_OR_RETURN(x, builder.emit(op, moves[i].suffix, moves[i].op, {x}));
  }
  return builder.emit_output(op, moves.back().op, {x});
}

// ConcatenationOptions: axis, activation.
Status lower_concatenation(Builder& builder, const Operator& op) {
  const int count = static_cast<int>(op.inputs.size());
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, std::max(count, 1), std::max(count, 1)));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kConcatenation));
  DOTORI_ASSIGN_OR_RETURN(const Shape first, builder.input_shape(op, 0));
  graph::Concat node;
  DOTORI_ASSIGN_OR_RETURN(node.axis, builder.axis(options.number<std::int32_t>(0), first.rank()));
  DOTORI_ASSIGN_OR_RETURN(const graph::Activation activation, builder.activation(options, 1));
  std::vector<graph::ValueId> inputs;
  for (int i = 0; i < count; ++i) {
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, i));
    inputs.push_back(x);
  }
  return builder.emit_activated(op, activation, node, std::move(inputs));
}

// PackOptions: values_count, axis. Each input gets a dimension of 1 at `axis`, along which they are joined.
Status lower_pack(Builder& builder, const Operator& op) {
  const int count = static_cast<int>(op.inputs.size());
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, std::max(count, 1), std::max(count, 1)));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kPack));
  DOTORI_ASSIGN_OR_RETURN(const Shape first, builder.input_shape(op, 0));
  if (first.rank() == kMaxRank) return unsupported("a seventh dimension");
  DOTORI_ASSIGN_OR_RETURN(const int axis, builder.axis(options.number<std::int32_t>(1), first.rank() + 1));
  Shape expanded;
  for (int k = 0; k <= first.rank(); ++k) {
    if (k == axis) expanded.push_back(1);
    if (k < first.rank()) expanded.push_back(first[k]);
  }
  std::vector<graph::ValueId> inputs;
  for (int i = 0; i < count; ++i) {
    DOTORI_ASSIGN_OR_RETURN(const Shape shape, builder.input_shape(op, i));
    if (shape != first)
      return corrupt_model("input " + std::to_string(i) + " is " + shape.to_string() + ", input 0 is " +
                           first.to_string());
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, i));
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId row,
                            builder.emit(op, "/expand_" + std::to_string(i), graph::Reshape{expanded}, {x}));
    inputs.push_back(row);
  }
  return builder.emit_output(op, graph::Concat{axis}, std::move(inputs));
}

// UnpackOptions: num, axis. One output for each index, without the axis.
Status lower_unpack(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 1, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kUnpack));
  DOTORI_ASSIGN_OR_RETURN(const Shape from, builder.input_shape(op, 0));
  if (from.rank() == 0) return corrupt_model("the input is a scalar");
  DOTORI_ASSIGN_OR_RETURN(const int axis, builder.axis(options.number<std::int32_t>(1), from.rank()));
  if (from[axis] != static_cast<std::int64_t>(op.outputs.size()))
    return corrupt_model(std::to_string(op.outputs.size()) + " outputs for an input " + from.to_string() +
                         " and axis " + std::to_string(axis));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  Shape rest;
  for (int k = 0; k < from.rank(); ++k)
    if (k != axis) rest.push_back(from[k]);
  for (int i = 0; i < static_cast<int>(op.outputs.size()); ++i) {
    graph::Slice slice;
    slice.begin.resize(from.rank(), 0);
    slice.size = from;
    slice.stride.resize(from.rank(), 1);
    slice.begin[axis] = i;
    slice.size[axis] = 1;
    const std::string suffix = i == 0 ? "" : "/" + std::to_string(i);
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId part, builder.emit(op, suffix + "/slice", slice, {x}));
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId row, builder.emit(op, suffix, graph::Reshape{rest}, {part}));
    DOTORI_RETURN_IF_ERROR(builder.bind(op, i, row));
  }
  return {};
}

// PAD: x, paddings [rank,2]. PADV2: and the value. MirrorPadOptions: mode, 0 reflect, 1 symmetric.
Status lower_pad(Builder& builder, const Operator& op) {
  const int count = op.code == kPadV2 ? 3 : 2;
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, count, count));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const Shape from, builder.input_shape(op, 0));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::int64_t> pads, builder.integers(op, 1, "the paddings"));
  if (pads.size() != 2 * static_cast<std::size_t>(from.rank()))
    return corrupt_model(std::to_string(pads.size()) + " paddings for an input " + from.to_string() +
                         ", expected two a dimension");
  graph::Pad node;
  for (int k = 0; k < from.rank(); ++k) {
    node.before.push_back(pads[2 * static_cast<std::size_t>(k)]);
    node.after.push_back(pads[2 * static_cast<std::size_t>(k) + 1]);
  }
  if (op.code == kPadV2) {
    const Tensor& value = builder.input_tensor(op, 2);
    const bool stored = value.type == TensorType::kFloat32 || (value.is_8_bit() && value.is_quantized());
    if (!value.is_constant() || !stored || value.data.size() != tensor_type_bytes(value.type))
      return unsupported("the padding value (tensor '" + value.name +
                         "') must be one constant float32, or an 8-bit "
                         "number with a scale");
    DOTORI_ASSIGN_OR_RETURN(const std::vector<float> number, constant_as_floats(value));
    node.value = number[0];
  }
  if (op.code == kMirrorPad) {
    DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kMirrorPad));
    const std::int8_t mode = options.number<std::int8_t>(0);
    if (mode != 0 && mode != 1)
      return corrupt_model("mirror mode " + std::to_string(mode) + ", expected 0 (reflect) or 1 (symmetric)");
    node.mode = mode == 0 ? graph::PadMode::kReflect : graph::PadMode::kSymmetric;
  }
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  return builder.emit_output(op, node, {x});
}

// GatherOptions: axis, batch_dims. The indices are a constant.
Status lower_gather(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 2, 2));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kGather));
  if (options.number<std::int32_t>(1) != 0)
    return unsupported("batch_dims = " + std::to_string(options.number<std::int32_t>(1)));
  DOTORI_ASSIGN_OR_RETURN(const Shape from, builder.input_shape(op, 0));
  graph::Gather node;
  DOTORI_ASSIGN_OR_RETURN(node.axis, builder.axis(options.number<std::int32_t>(0), from.rank()));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::int64_t> checked, builder.integers(op, 1, "the list of indices"));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId indices, builder.input(op, 1));
  return builder.emit_output(op, node, {x, indices});
}

}  // namespace dotori::convert::tflite
