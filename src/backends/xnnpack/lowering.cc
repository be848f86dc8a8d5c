// SPDX-License-Identifier: Apache-2.0
#include "backends/xnnpack/lowering.h"

#include <cstring>
#include <limits>

namespace dotori::backends::xnnpack {
namespace {

// XNNPACK's vector code may read so far beyond the end of what it reads.
constexpr std::size_t kSlackBytes = 64;
static_assert(kSlackBytes >= XNN_EXTRA_BYTES);

struct Dims {
  std::size_t of[kMaxRank] = {};
  std::size_t count = 0;
};

Dims dims_of(const Shape& shape) {
  Dims dims;
  for (std::int64_t d : shape) dims.of[dims.count++] = static_cast<std::size_t>(d);
  return dims;
}

Status expect_type(const graph::Value& value) {
  if (value.type.type == DataType::kFloat32) return {};
  if (value.type.type != DataType::kInt8)
    return unsupported("'" + value.name + "' is " + data_type_name(value.type.type) + ", expected float32 or int8");
  if (value.quantization.scales.size() != 1)
    return unsupported("'" + value.name + "' has " + std::to_string(value.quantization.scales.size()) +
                       " scales, expected one");
  return {};
}

Result<void*> allocate_in(std::vector<graph::Constant>& blocks, std::size_t size_bytes) {
  void* memory = nullptr;
  blocks.push_back(graph::allocate_constant(size_bytes + kSlackBytes, &memory));
  if (memory == nullptr) return out_of_memory("no memory for a constant of " + std::to_string(size_bytes) + " bytes");
  return memory;
}

}  // namespace

Status accepted(xnn_status status, const char* call) {
  switch (status) {
    case xnn_status_success: return {};
    case xnn_status_out_of_memory: return out_of_memory(std::string("XNNPACK has no memory in ") + call);
    case xnn_status_unsupported_parameter: return unsupported(std::string("XNNPACK does not support it: ") + call);
    case xnn_status_invalid_parameter: return unsupported(std::string("XNNPACK does not accept it: ") + call);
    case xnn_status_unsupported_hardware: return unsupported("XNNPACK does not support this processor");
    default: return internal_error(std::string(call) + " failed with XNNPACK's status " + std::to_string(status));
  }
}

SplitActivation split_activation(const graph::Activation& activation) noexcept {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  SplitActivation split = {-kInfinity, kInfinity, {}};
  switch (activation.function) {
    case graph::Function::kIdentity: break;
    case graph::Function::kRelu: split.low = 0; break;
    case graph::Function::kClip:
      split.low = activation.alpha;
      split.high = activation.beta;
      break;
    default: split.rest = activation;
  }
  return split;
}

Result<std::unique_ptr<Lowering>> Lowering::create(const RegionRequest& request) {
  xnn_subgraph_t subgraph = nullptr;
  const std::size_t external = request.inputs.size() + request.outputs.size();
  DOTORI_RETURN_IF_ERROR(
      accepted(xnn_create_subgraph(static_cast<std::uint32_t>(external), 0, &subgraph), "xnn_create_subgraph"));
  std::unique_ptr<Lowering> lowering(new Lowering(request, subgraph));
  lowering->ids_.assign(request.nodes[0].graph().values().size(), XNN_INVALID_VALUE_ID);
  return lowering;
}

Lowering::~Lowering() {
  if (subgraph_ != nullptr) xnn_delete_subgraph(subgraph_);
}

Status Lowering::append(const NodeView& node) {
  node_ = &node;
  if (node.output_count() != 1) return unsupported("XNNPACK has no such operator");
  return std::visit(
      [&](const auto& op) -> Status {
        if constexpr (std::is_same_v<std::decay_t<decltype(op)>, std::monostate>) {
          return internal_error("node without an operator");
        } else {
          return lower(op, *this);
        }
      },
      node.node().op);
}

const graph::Value& Lowering::input_value(int i) const noexcept {
  return graph().value(node().inputs[static_cast<std::size_t>(i)]);
}
const graph::Value& Lowering::output_value() const noexcept {
  return graph().value(node().outputs[0]);
}

Status Lowering::expect_float() const {
  for (graph::ValueId id : node().inputs)
    if (id.valid() && graph().value(id).type.type != DataType::kFloat32)
      return unsupported(std::string("XNNPACK has it in float32 only, an input is ") +
                         data_type_name(graph().value(id).type.type));
  if (output_value().type.type == DataType::kFloat32) return {};
  return unsupported(std::string("XNNPACK has it in float32 only, the output is ") +
                     data_type_name(output_value().type.type));
}

Status Lowering::expect_float_or_int8() const {
  for (graph::ValueId id : node().inputs)
    if (id.valid()) DOTORI_RETURN_IF_ERROR(expect_type(graph().value(id)));
  return expect_type(output_value());
}

Result<std::uint32_t> Lowering::define(const graph::Value& value, const Shape& shape, const void* elements,
                                       std::uint32_t external_id, std::uint32_t flags) {
  const Dims dims = dims_of(shape);
  std::uint32_t id = XNN_INVALID_VALUE_ID;
  const xnn_status status =
      value.type.type == DataType::kFloat32
          ? xnn_define_tensor_value(subgraph_, xnn_datatype_fp32, dims.count, dims.of, elements, external_id, flags,
                                    &id)
          : xnn_define_quantized_tensor_value(subgraph_, xnn_datatype_qint8, value.quantization.zero_points[0], 1.0f,
                                              dims.count, dims.of, elements, external_id, flags, &id);
  DOTORI_RETURN_IF_ERROR(accepted(status, "the definition of a tensor"));
  return id;
}

Result<std::uint32_t> Lowering::define_value(int index) {
  std::uint32_t& known = ids_[static_cast<std::size_t>(index)];
  if (known != XNN_INVALID_VALUE_ID) return known;
  const graph::Value& value = graph().values()[static_cast<std::size_t>(index)];
  DOTORI_RETURN_IF_ERROR(expect_type(value));
  std::uint32_t external_id = XNN_INVALID_VALUE_ID, flags = 0;
  for (std::size_t i = 0; i < request_.inputs.size(); ++i)
    if (request_.inputs[i].index() == index) {
      external_id = static_cast<std::uint32_t>(i);
      flags = XNN_VALUE_FLAG_EXTERNAL_INPUT;
    }
  for (std::size_t i = 0; i < request_.outputs.size(); ++i)
    if (request_.outputs[i].index() == index) {
      external_id = static_cast<std::uint32_t>(request_.inputs.size() + i);
      flags = XNN_VALUE_FLAG_EXTERNAL_OUTPUT;
    }
  const void* elements = nullptr;
  if (value.is_constant()) {
    DOTORI_ASSIGN_OR_RETURN(void* copy, allocate(value.constant.size_bytes));
    std::memcpy(copy, value.constant.data, value.constant.size_bytes);
    elements = copy;
  }
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t id, define(value, value.type.shape, elements, external_id, flags));
  known = id;
  return id;
}

Result<std::uint32_t> Lowering::input(int i) {
  return define_value(node().inputs[static_cast<std::size_t>(i)].index);
}
Result<std::uint32_t> Lowering::output() {
  return define_value(node().outputs[0].index);
}
Result<std::uint32_t> Lowering::temporary(const Shape& shape, const graph::Value& like) {
  return define(like, shape, nullptr, XNN_INVALID_VALUE_ID, 0);
}

Result<void*> Lowering::allocate(std::size_t size_bytes) {
  return allocate_in(constants_, size_bytes);
}
Result<void*> Lowering::allocate_weights(std::size_t size_bytes) {
  return allocate_in(weights_, size_bytes);
}

Result<std::uint32_t> Lowering::constant_f32(const Shape& shape, std::vector<float> elements) {
  DOTORI_ASSIGN_OR_RETURN(void* copy, allocate(elements.size() * sizeof(float)));
  std::memcpy(copy, elements.data(), elements.size() * sizeof(float));
  return constant(xnn_datatype_fp32, shape, copy);
}

Result<std::uint32_t> Lowering::constant(xnn_datatype type, const Shape& shape, const void* elements) {
  const Dims dims = dims_of(shape);
  std::uint32_t id = XNN_INVALID_VALUE_ID;
  DOTORI_RETURN_IF_ERROR(
      accepted(xnn_define_tensor_value(subgraph_, type, dims.count, dims.of, elements, XNN_INVALID_VALUE_ID, 0, &id),
               "xnn_define_tensor_value"));
  return id;
}

Result<std::uint32_t> Lowering::channel_constant(xnn_datatype type, const Shape& shape, int channel_axis,
                                                 std::vector<float> scales, const void* elements) {
  const Dims dims = dims_of(shape);
  std::uint32_t id = XNN_INVALID_VALUE_ID;
  scales_.push_back(std::move(scales));
  DOTORI_RETURN_IF_ERROR(
      accepted(xnn_define_channelwise_quantized_tensor_value(subgraph_, type, scales_.back().data(), dims.count,
                                                             static_cast<std::size_t>(channel_axis), dims.of, elements,
                                                             XNN_INVALID_VALUE_ID, 0, &id),
               "xnn_define_channelwise_quantized_tensor_value"));
  return id;
}

Result<std::uint32_t> Lowering::before_activation(const SplitActivation& activation) {
  if (activation.rest.is_identity()) return output();
  return temporary(output_shape(), output_value());
}

Status Lowering::finish_activation(const SplitActivation& activation, std::uint32_t x) {
  if (activation.rest.is_identity()) return {};
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t y, output());
  return append_activation(activation.rest, x, y, output_shape());
}

Result<Lowering::Compiled> Lowering::compile(pthreadpool_t threads) {
  Compiled compiled;
#if DOTORI_XNNPACK_HAS_RUNTIME_V4
  // The runtime keeps the workspace alive.
  xnn_workspace_t workspace = nullptr;
  DOTORI_RETURN_IF_ERROR(accepted(xnn_create_workspace(&workspace), "xnn_create_workspace"));
  const xnn_status status =
      xnn_create_runtime_v4(subgraph_, nullptr, workspace, threads, XNN_FLAG_YIELD_WORKERS, &compiled.runtime);
  xnn_release_workspace(workspace);
#else
  const xnn_status status = xnn_create_runtime_v2(subgraph_, threads, XNN_FLAG_YIELD_WORKERS, &compiled.runtime);
#endif
  DOTORI_RETURN_IF_ERROR(accepted(status, "the compilation of the operators"));
  compiled.constants = std::move(constants_);
  return compiled;
}

}  // namespace dotori::backends::xnnpack
