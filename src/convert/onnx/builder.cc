// SPDX-License-Identifier: Apache-2.0
#include "convert/onnx/builder.h"

#include <algorithm>
#include <numeric>

#include "graph/verify_quantization.h"

namespace dotori::convert::onnx {
namespace {

using graph::ValueId;

std::size_t at(int i) {
  return static_cast<std::size_t>(i);
}

Dims stored_dims(const Tensor& t) {
  Dims dims;
  for (int axis : t.order) dims.push_back(t.dims[at(axis)]);
  return dims;
}

Shape to_shape(const Dims& dims) {
  if (dims.size() > at(kMaxRank)) {
    fail(unsupported("a tensor of shape " + dims_text(dims) + ": tensors of up to " + std::to_string(kMaxRank) +
                     " axes are supported"));
  }
  return Shape(Span<const std::int64_t>(dims));
}

// The order without axes of one element: what decides whether elements must move.
Axes moving_axes(const Axes& order, const Dims& dims) {
  Axes axes;
  for (int axis : order) {
    if (dims[at(axis)] != 1) axes.push_back(axis);
  }
  return axes;
}

// Axes [from_begin, from_end) of one shape hold the same elements as axes [to_begin, to_end) of another.
struct AxisGroup {
  int from_begin, from_end, to_begin, to_end;
};

// The finest division of a reshape into groups of neighbouring axes with equal products. The counts must be equal and
// not 0.
std::vector<AxisGroup> reshape_groups(const Dims& from, const Dims& to) {
  std::vector<AxisGroup> groups;
  const int from_rank = static_cast<int>(from.size()), to_rank = static_cast<int>(to.size());
  int i = 0, j = 0;
  while (i < from_rank && j < to_rank) {
    AxisGroup group{i, i + 1, j, j + 1};
    std::int64_t p = from[at(i++)], q = to[at(j++)];
    while (p != q) {
      if (p < q) {
        p *= from[at(i++)];
      } else {
        q *= to[at(j++)];
      }
    }
    group.from_end = i;
    group.to_end = j;
    groups.push_back(group);
  }
  // What is left has one element an axis.
  if (i < from_rank || j < to_rank) groups.push_back({i, from_rank, j, to_rank});
  return groups;
}

}  // namespace

Axes identity_order(int rank) {
  Axes order(at(rank));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

Axes channels_last_order(int rank) {
  Axes order = identity_order(rank);
  if (rank >= 3) std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  return order;
}

int Tensor::stored_axis(int source_axis) const noexcept {
  return static_cast<int>(std::find(order.begin(), order.end(), source_axis) - order.begin());
}

Tensor host_result(HostTensor host) {
  Tensor t;
  t.dims = host.dims;
  t.type = graph_type(host.element);
  t.host = std::move(host);
  return t;
}

std::string Builder::name_with(const char* suffix) const {
  return *suffix == '\0' ? node_name_ : node_name_ + "/" + suffix;
}

ValueId Builder::add_node(graph::Op op, std::vector<ValueId> inputs, const char* suffix) {
  const Quantization first = graph.value(inputs[0]).quantization;
  bool quantized = false, same = true;
  for (ValueId id : inputs) {
    if (!id.valid()) continue;
    const graph::Value& value = graph.value(id);
    quantized = quantized || (!value.quantization.empty() && value.type.type != DataType::kFloat32);
    same = same && value.quantization == first;
  }
  const bool moves = graph::keeps_quantization(op) || (std::holds_alternative<graph::Concat>(op) && same);
  if (quantized && !moves && !std::holds_alternative<graph::Quantize>(op) &&
      !std::holds_alternative<graph::Dequantize>(op) && !std::holds_alternative<graph::ArgMax>(op)) {
    fail(
        unsupported("the operator works on quantised numbers; between QuantizeLinear and DequantizeLinear only "
                    "operators that move elements are supported"));
  }
  const ValueId id = take(graph.add_node(name_with(suffix), std::move(op), std::move(inputs)));
  if (quantized && moves) graph.value(id).quantization = first;
  return id;
}

Tensor Builder::quantize(const Tensor& x, DataType type, const Quantization& quantization, const char* suffix) {
  Tensor out = add(graph::Quantize{type}, {physical(x)}, x.order, suffix);
  graph.value(out.stored).quantization = quantization;
  out.channels_last = x.channels_last;
  return out;
}

Tensor Builder::dequantize(const Tensor& x, const char* suffix) {
  Tensor out = add(graph::Dequantize{}, {physical(x)}, x.order, suffix);
  out.channels_last = x.channels_last;
  return out;
}

ValueId Builder::physical(const Tensor& t) {
  const Dims dims = stored_dims(t);
  const Shape shape = to_shape(dims);
  if (graph.value(t.stored).type.shape == shape) return t.stored;
  const auto key = std::make_pair(static_cast<int>(t.stored.index), dims);
  const auto found = reshapes_.find(key);
  if (found != reshapes_.end()) return found->second;
  const ValueId id = add_node(graph::Reshape{shape}, {t.stored}, "reshape");
  reshapes_[key] = id;
  return id;
}

Tensor Builder::in_order(const Tensor& t, const Axes& wanted) {
  Tensor out = t;
  out.order = wanted;
  if (moving_axes(t.order, t.dims) == moving_axes(wanted, t.dims)) return out;
  const ValueId from = physical(t);
  graph::Transpose op;
  std::vector<std::int64_t> perm;
  for (int axis : wanted) {
    perm.push_back(t.stored_axis(axis));
    op.perm.push_back(perm.back());
  }
  const auto key = std::make_pair(static_cast<int>(from.index), perm);
  const auto found = transposes_.find(key);
  if (found != transposes_.end()) {
    out.stored = found->second;
  } else {
    out.stored = transposes_[key] = add_node(op, {from}, "transpose");
  }
  return out;
}

Tensor Builder::add(graph::Op op, std::vector<ValueId> inputs, const Axes& order, const char* suffix) {
  Tensor out;
  out.stored = add_node(std::move(op), std::move(inputs), suffix);
  const graph::TensorType& type = graph.value(out.stored).type;
  out.type = type.type;
  out.order = order;
  out.dims.resize(order.size());
  for (std::size_t k = 0; k < order.size(); ++k) out.dims[at(order[k])] = type.shape[static_cast<int>(k)];
  Shape& told = graph.value(out.stored).source_order;
  if (order != identity_order(out.rank()))
    for (int axis : order) told.push_back(axis);
  return out;
}

Tensor Builder::add_unary(graph::Function function, const Tensor& x, float alpha, float beta, const char* suffix) {
  graph::Unary op;
  op.activation = {function, alpha, beta};
  return add(op, {physical(x)}, x.order, suffix);
}

ValueId Builder::broadcast_operand(const Tensor& t, int rank, const Axes& order) {
  if (!t.is_host()) return physical(in_order(lift(t, rank), order));
  Dims lifted(at(rank) - t.dims.size(), 1);
  lifted.insert(lifted.end(), t.dims.begin(), t.dims.end());
  HostTensor stored = t.host->reshaped(lifted).permuted(order);
  const auto first = std::find_if(stored.dims.begin(), stored.dims.end(), [](std::int64_t d) { return d != 1; });
  stored = stored.reshaped(Dims(first, stored.dims.end()));
  return constant(stored, identity_order(static_cast<int>(stored.dims.size())), name_with("constant"));
}

Tensor Builder::add_binary(graph::BinaryFunction function, const Tensor& a, const Tensor& b, const char* suffix) {
  const int rank = std::max(a.rank(), b.rank());
  broadcast_dims(a.dims, b.dims);  // refuses with both shapes in source order
  Axes order;
  if (a.is_host() || b.is_host()) {
    order = lift(a.is_host() ? b : a, rank).order;
  } else {
    const Axes order_a = lift(a, rank).order, order_b = lift(b, rank).order;
    const std::int64_t count_a = count_of(a.dims), count_b = count_of(b.dims);
    const bool prefer_b = count_b > count_a || (count_a == count_b && order_b == channels_last_order(rank));
    order = prefer_b ? order_b : order_a;
  }
  graph::Binary op;
  op.function = function;
  const ValueId first = broadcast_operand(a, rank, order), second = broadcast_operand(b, rank, order);
  return add(op, {first, second}, order, suffix);
}

Tensor Builder::reshape(const Tensor& t, const Dims& dims) {
  if (dims == t.dims) return t;
  if (dims.size() > at(kMaxRank)) to_shape(dims);
  const std::vector<AxisGroup> groups = reshape_groups(t.dims, dims);
  // Groups in the sequence in which their first axis of more than one element is stored; those without any where they
  // are.
  std::vector<int> group_of(t.dims.size(), 0);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (int axis = groups[g].from_begin; axis < groups[g].from_end; ++axis) group_of[at(axis)] = static_cast<int>(g);
  }
  std::vector<int> sequence;
  const auto place = [&](int g) {
    if (std::find(sequence.begin(), sequence.end(), g) == sequence.end()) sequence.push_back(g);
  };
  const auto moves = [&](const AxisGroup& group) {
    return std::any_of(t.dims.begin() + group.from_begin, t.dims.begin() + group.from_end,
                       [](std::int64_t d) { return d != 1; });
  };
  for (int axis : t.order) {
    const int g = group_of[at(axis)];
    if (t.dims[at(axis)] != 1 || !moves(groups[at(g)])) place(g);
  }
  for (std::size_t g = 0; g < groups.size(); ++g) place(static_cast<int>(g));
  Axes grouped, new_order;
  for (int g : sequence) {
    const AxisGroup& group = groups[at(g)];
    for (int axis = group.from_begin; axis < group.from_end; ++axis) grouped.push_back(axis);
    for (int axis = group.to_begin; axis < group.to_end; ++axis) new_order.push_back(axis);
  }
  Tensor out = in_order(t, grouped);
  out.dims = dims;
  out.order = new_order;
  // A channels-last exporter's Transpose [N,1,H,W] -> [N,H,W,1].
  out.channels_last = t.rank() == 4 && t.dims[1] == 1 && dims == Dims{t.dims[0], t.dims[2], t.dims[3], 1};
  return out;
}

Tensor Builder::transpose(const Tensor& t, const Axes& perm) {
  Tensor out = t;
  Axes inverse(perm.size());
  for (std::size_t k = 0; k < perm.size(); ++k) {
    inverse[at(perm[k])] = static_cast<int>(k);
    out.dims[k] = t.dims[at(perm[k])];
  }
  for (std::size_t k = 0; k < perm.size(); ++k) out.order[k] = inverse[at(t.order[k])];
  // [N,C,H,W] -> [N,H,W,C] and back are how exporters of channels-last frameworks wrap image operators.
  out.channels_last = perm == Axes{0, 2, 3, 1};
  return out;
}

Tensor Builder::lift(const Tensor& t, int rank) {
  Dims dims(at(rank - t.rank()), 1);
  if (dims.empty()) return t;
  Tensor out = t;
  const int added = static_cast<int>(dims.size());
  out.dims.insert(out.dims.begin(), dims.begin(), dims.end());
  out.order = identity_order(added);
  for (int axis : t.order) out.order.push_back(axis + added);
  return out;
}

Tensor Builder::slice(const Tensor& t, const Dims& begin, const Dims& size, const Dims& stride) {
  graph::Slice op;
  bool whole = true;
  for (int axis : t.order) {
    op.begin.push_back(begin[at(axis)]);
    op.size.push_back(size[at(axis)]);
    op.stride.push_back(stride[at(axis)]);
    whole = whole && size[at(axis)] == t.dims[at(axis)] && stride[at(axis)] == 1;
  }
  if (whole) return t;
  return add(op, {physical(t)}, t.order);
}

Tensor Builder::concat(const std::vector<Tensor>& parts, int axis) {
  // Most elements stay where they are.
  std::map<Axes, std::int64_t> weight;
  for (const Tensor& part : parts) {
    if (!part.is_host()) weight[part.order] += count_of(part.dims);
  }
  const auto heaviest =
      std::max_element(weight.begin(), weight.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  const Axes order = heaviest->first;
  std::vector<ValueId> inputs;
  for (const Tensor& part : parts) {
    inputs.push_back(part.is_host() ? constant(*part.host, order, name_with("constant"))
                                    : physical(in_order(part, order)));
  }
  if (inputs.size() == 1) return parts[0];
  graph::Concat op;
  op.axis = static_cast<int>(std::find(order.begin(), order.end(), axis) - order.begin());
  return add(op, std::move(inputs), order);
}

ValueId Builder::constant(const HostTensor& t, const Axes& order, const std::string& name) {
  const HostTensor source = t.element == Element::kFloat64 ? t.cast(Element::kFloat32) : t;
  std::vector<std::int64_t> layout(source.dims);
  layout.insert(layout.end(), order.begin(), order.end());
  Key key(source.bytes.get(), std::move(layout));
  const auto found = constants_.find(key);
  if (found != constants_.end()) return found->second.id;
  const HostTensor stored = source.permuted(order);
  const ValueId id = take(graph.add_constant(name, graph_type(stored.element), to_shape(stored.dims),
                                             stored.bytes->data(), stored.bytes->size()));
  graph.value(id).quantization = stored.quantization;
  constants_.emplace(std::move(key), HostConstant{source, id});
  return id;
}

Tensor Builder::promoted(const Tensor& t, const std::string& name) {
  if (!t.is_host()) return t;
  Tensor out;
  out.dims = t.dims;
  out.type = t.type;
  out.order = t.rank() == 4 ? channels_last_order(4) : identity_order(t.rank());
  out.stored = constant(*t.host, out.order, name);
  return out;
}

ValueId Builder::copy(ValueId stored) {
  return add_node(graph::Reshape{graph.value(stored).type.shape}, {stored}, "copy");
}

}  // namespace dotori::convert::onnx
