// SPDX-License-Identifier: Apache-2.0
// Layers that move or choose elements.
#include <algorithm>

#include "convert/caffe/builder.h"

namespace dotori::convert::caffe {
namespace {

std::vector<Tensor> one(Tensor tensor) {
  return {std::move(tensor)};
}

Shape stored_shape(const std::vector<std::int64_t>& dims) {
  Shape shape;
  shape.resize(static_cast<int>(dims.size()));
  for (int i = 0; i < shape.rank(); ++i) shape[stored_axis(i, shape.rank())] = dims[static_cast<std::size_t>(i)];
  return shape;
}

// `size` elements of one Caffe axis, from `begin` on.
Result<Tensor> cut(LayerContext& c, const std::string& name, const Tensor& x, int axis, std::int64_t begin,
                   std::int64_t size) {
  graph::Slice op;
  op.size = stored_shape(x.dims);
  op.begin.resize(x.rank(), 0);
  op.stride.resize(x.rank(), 1);
  op.begin[stored_axis(axis, x.rank())] = begin;
  op.size[stored_axis(axis, x.rank())] = size;
  return c.builder.add(name, op, {x.id});
}

}  // namespace

Result<std::vector<Tensor>> identity(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  return std::vector<Tensor>(static_cast<std::size_t>(std::max(1, c.layer.top_size())), c.x());
}

Result<std::vector<Tensor>> silence(LayerContext&) {
  return std::vector<Tensor>();
}

Result<std::vector<Tensor>> concat(LayerContext& c) {
  const dotori_caffe::Concat& p = c.layer.concat_param();
  if (c.bottoms.empty() && c.layer.bottom_size() > 0) {  // anchors of several maps
    if (p.axis() != 2)
      return unsupported("anchor boxes are joined along axis 2 only, found " + std::to_string(p.axis()));
    Priors all;
    for (const std::string& bottom : c.layer.bottom()) {
      const Priors& part = *c.builder.find_priors(bottom);
      if (!all.boxes.empty() && part.variance != all.variance)
        return unsupported("anchor boxes of different variances");
      all.variance = part.variance;
      all.boxes.insert(all.boxes.end(), part.boxes.begin(), part.boxes.end());
    }
    if (c.layer.top_size() != 1) return corrupt_model("expected 1 top");
    c.builder.set_priors(c.layer.top(0), std::move(all));
    return std::vector<Tensor>();
  }
  if (static_cast<int>(c.bottoms.size()) != c.layer.bottom_size())
    return unsupported("anchor boxes and computed values cannot be joined");
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1024));
  DOTORI_ASSIGN_OR_RETURN(const int axis,
                          c.axis(p.has_concat_dim() ? static_cast<int>(p.concat_dim()) : p.axis(), c.x().rank()));
  std::vector<graph::ValueId> ids;
  for (const Tensor& bottom : c.bottoms) {
    if (bottom.rank() != c.x().rank())
      return corrupt_model("bottoms of " + dims_text(c.x().dims) + " and " + dims_text(bottom.dims));
    ids.push_back(bottom.id);
  }
  DOTORI_ASSIGN_OR_RETURN(Tensor y,
                          c.builder.add(c.name(), graph::Concat{stored_axis(axis, c.x().rank())}, std::move(ids)));
  return one(std::move(y));
}

Result<std::vector<Tensor>> slice(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  const dotori_caffe::Slice& p = c.layer.slice_param();
  DOTORI_ASSIGN_OR_RETURN(const int axis,
                          c.axis(p.has_slice_dim() ? static_cast<int>(p.slice_dim()) : p.axis(), c.x().rank()));
  const std::int64_t size = c.x().dims[static_cast<std::size_t>(axis)], tops = c.layer.top_size();
  std::vector<std::int64_t> ends(p.slice_point().begin(), p.slice_point().end());
  if (tops < 1) return corrupt_model("it has no top");
  if (ends.empty()) {
    if (size % tops != 0)
      return corrupt_model(std::to_string(size) + " does not divide into " + std::to_string(tops) + " tops");
    for (std::int64_t i = 1; i < tops; ++i) ends.push_back(size / tops * i);
  }
  ends.push_back(size);
  if (static_cast<std::int64_t>(ends.size()) != tops)
    return corrupt_model(std::to_string(ends.size() - 1) + " slice_point for " + std::to_string(tops) + " tops");
  std::vector<Tensor> parts;
  std::int64_t begin = 0;
  for (std::int64_t end : ends) {
    if (end <= begin || end > size)
      return corrupt_model("slice_point " + std::to_string(end) + " of a size of " + std::to_string(size));
    DOTORI_ASSIGN_OR_RETURN(Tensor part,
                            cut(c, c.layer.top(static_cast<int>(parts.size())), c.x(), axis, begin, end - begin));
    parts.push_back(std::move(part));
    begin = end;
  }
  return parts;
}

Result<std::vector<Tensor>> flatten(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  const dotori_caffe::Flatten& p = c.layer.flatten_param();
  DOTORI_ASSIGN_OR_RETURN(const int first, c.axis(p.axis(), c.x().rank()));
  DOTORI_ASSIGN_OR_RETURN(const int last, c.axis(p.end_axis(), c.x().rank()));
  if (last < first)
    return corrupt_model("end_axis " + std::to_string(p.end_axis()) + " before axis " + std::to_string(p.axis()));
  std::vector<std::int64_t> dims;
  for (int i = 0; i < c.x().rank(); ++i) {
    if (i > first && i <= last) dims.back() *= c.x().dims[static_cast<std::size_t>(i)];
    else dims.push_back(c.x().dims[static_cast<std::size_t>(i)]);
  }
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.reshape(c.name(), c.x(), dims));
  return one(std::move(y));
}

// 0 keeps a dimension, -1 takes what is left.
Result<std::vector<Tensor>> reshape(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  const dotori_caffe::Reshape& p = c.layer.reshape_param();
  const int rank = c.x().rank();
  const int first = p.axis() < 0 ? p.axis() + rank + 1 : p.axis();
  const int end = p.num_axes() < 0 ? rank : first + p.num_axes();
  if (first < 0 || end < first || end > rank)
    return corrupt_model("axis " + std::to_string(p.axis()) + ", num_axes " + std::to_string(p.num_axes()) + " of " +
                         dims_text(c.x().dims));
  std::vector<std::int64_t> dims(c.x().dims.begin(), c.x().dims.begin() + first);
  int open = -1;
  for (int i = 0; i < p.shape().dim_size(); ++i) {
    std::int64_t d = p.shape().dim(i);
    if (d == 0 && first + i < rank) {
      d = c.x().dims[static_cast<std::size_t>(first + i)];
    } else if (d == -1 && open < 0) {
      open = static_cast<int>(dims.size());
      d = 1;
    }
    if (d < 1 || d > (std::int64_t{1} << 31))
      return corrupt_model("dim " + std::to_string(p.shape().dim(i)) + " for " + dims_text(c.x().dims));
    dims.push_back(d);
  }
  dims.insert(dims.end(), c.x().dims.begin() + end, c.x().dims.end());
  if (dims.empty() || static_cast<int>(dims.size()) > kMaxRank)
    return unsupported("a rank of " + std::to_string(dims.size()));
  if (open >= 0) dims[static_cast<std::size_t>(open)] = count(c.x().dims) / std::max<std::int64_t>(1, count(dims));
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.reshape(c.name(), c.x(), dims));
  return one(std::move(y));
}

Result<std::vector<Tensor>> permute(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  const int rank = c.x().rank();
  std::vector<int> order;
  for (std::uint32_t axis : c.layer.permute_param().order()) order.push_back(static_cast<int>(axis));
  for (int i = 0; i < rank; ++i)  // axes that are not named follow in their own order
    if (std::find(order.begin(), order.end(), i) == order.end()) order.push_back(i);
  if (static_cast<int>(order.size()) != rank)
    return corrupt_model("order is no permutation of the axes of " + dims_text(c.x().dims));
  Shape perm;
  perm.resize(rank);
  std::vector<std::int64_t> dims;
  for (int i = 0; i < rank; ++i) {
    perm[stored_axis(i, rank)] = stored_axis(order[static_cast<std::size_t>(i)], rank);
    dims.push_back(c.x().dims[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])]);
  }
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), graph::Transpose{perm}, {c.x().id}));
  return one(std::move(y));
}

// The first bottom cut to the size of the second, from `axis` on.
Result<std::vector<Tensor>> crop(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(2, 2));
  const dotori_caffe::Crop& p = c.layer.crop_param();
  DOTORI_ASSIGN_OR_RETURN(const int axis, c.axis(p.axis(), c.x().rank()));
  const std::vector<std::int64_t>& like = c.bottoms[1].dims;
  if (static_cast<int>(like.size()) != c.x().rank())
    return corrupt_model("bottoms of " + dims_text(c.x().dims) + " and " + dims_text(like));
  Tensor y = c.x();
  for (int i = axis; i < c.x().rank(); ++i) {
    const std::int64_t offset = p.offset_size() == 0 ? 0 : p.offset(std::min(i - axis, p.offset_size() - 1));
    const std::int64_t size = like[static_cast<std::size_t>(i)];
    if (offset + size > y.dims[static_cast<std::size_t>(i)])
      return corrupt_model("offset " + std::to_string(offset) + " and size " + std::to_string(size) + " reach beyond " +
                           dims_text(c.x().dims));
    if (size == y.dims[static_cast<std::size_t>(i)]) continue;
    DOTORI_ASSIGN_OR_RETURN(y, cut(c, c.name() + "/axis_" + std::to_string(i), y, i, offset, size));
  }
  return one(std::move(y));
}

// Channel g * n + i becomes channel i * groups + g (ShuffleNet).
Result<std::vector<Tensor>> shuffle_channel(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  DOTORI_RETURN_IF_ERROR(c.expect_rank(4));
  const std::int64_t groups = c.layer.shuffle_channel_param().group(), channels = c.x().dims[1];
  if (groups < 1 || channels % groups != 0)
    return corrupt_model(std::to_string(channels) + " channels do not divide into " + std::to_string(groups) +
                         " groups");
  graph::Graph& graph = c.builder.graph();
  const Shape whole{c.x().dims[0], c.x().dims[2], c.x().dims[3], channels};
  const Shape split{whole[0], whole[1], whole[2], groups, channels / groups};
  DOTORI_ASSIGN_OR_RETURN(graph::ValueId id, graph.add_node(c.name() + "/groups", graph::Reshape{split}, {c.x().id}));
  DOTORI_ASSIGN_OR_RETURN(id, graph.add_node(c.name() + "/shuffle", graph::Transpose{Shape{0, 1, 2, 4, 3}}, {id}));
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), graph::Reshape{whole}, {id}));
  return one(std::move(y));
}

// Over all axes from `axis` on.
Result<std::vector<Tensor>> reduction(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  const dotori_caffe::Reduction& p = c.layer.reduction_param();
  DOTORI_ASSIGN_OR_RETURN(const int axis, c.axis(p.axis(), c.x().rank()));
  if (axis == 0) return unsupported("axis 0, which leaves no dimension");
  Tensor x = c.x();
  if (p.operation() == dotori_caffe::Reduction::ASUM || p.operation() == dotori_caffe::Reduction::SUMSQ) {
    const graph::Function f =
        p.operation() == dotori_caffe::Reduction::ASUM ? graph::Function::kAbs : graph::Function::kSquare;
    DOTORI_ASSIGN_OR_RETURN(x, c.builder.add(c.name() + "/terms", graph::Unary{{f, 0, 0}}, {x.id}));
  }
  graph::Reduce op;
  op.function =
      p.operation() == dotori_caffe::Reduction::MEAN ? graph::ReduceFunction::kMean : graph::ReduceFunction::kSum;
  op.keep_dims = false;
  std::vector<std::int64_t> axes;
  for (int i = axis; i < x.rank(); ++i) axes.push_back(stored_axis(i, x.rank()));
  std::sort(axes.begin(), axes.end());
  for (std::int64_t a : axes) op.axes.push_back(a);
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, {x.id}));
  if (p.coeff() != 1) {
    graph::Binary mul;
    mul.function = graph::BinaryFunction::kMul;
    const Tensor coeff = c.builder.constant(c.name() + "/number", Shape{1}, {p.coeff()});
    DOTORI_ASSIGN_OR_RETURN(y, c.builder.add(c.name() + "/coeff", mul, {y.id, coeff.id}));
  }
  return one(std::move(y));
}

Result<std::vector<Tensor>> arg_max(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  const dotori_caffe::ArgMax& p = c.layer.argmax_param();
  if (p.top_k() != 1 || p.out_max_val() || !p.has_axis())
    return unsupported(
        "only the index of the largest value along a stated axis is supported (top_k: 1, out_max_val: false, axis)");
  DOTORI_ASSIGN_OR_RETURN(const int axis, c.axis(p.axis(), c.x().rank()));
  graph::ArgMax op;
  op.axis = stored_axis(axis, c.x().rank());
  op.keep_dims = true;
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, {c.x().id}));
  return one(std::move(y));
}

}  // namespace dotori::convert::caffe
