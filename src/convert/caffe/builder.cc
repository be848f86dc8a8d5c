// SPDX-License-Identifier: Apache-2.0
#include "convert/caffe/builder.h"

#include <algorithm>

namespace dotori::convert::caffe {
namespace {

struct Row {
  const char* type;
  LayerFunction function;
};

constexpr Row kLayers[] = {
    {"AbsVal", unary},
    {"ArgMax", arg_max},
    {"BNLL", unary},
    {"BatchNorm", batch_norm},
    {"Bias", bias},
    {"Concat", concat},
    {"Convolution", convolution},
    {"ConvolutionDepthwise", convolution},
    {"Crop", crop},
    {"Deconvolution", deconvolution},
    {"DepthwiseConvolution", convolution},
    {"DetectionOutput", detection_output},
    {"Dropout", identity},
    {"ELU", unary},
    {"Eltwise", eltwise},
    {"Exp", exponential},
    {"Flatten", flatten},
    {"InnerProduct", inner_product},
    {"Interp", interp},
    {"LRN", lrn},
    {"Log", logarithm},
    {"Normalize", normalize},
    {"PReLU", prelu},
    {"Permute", permute},
    {"Pooling", pooling},
    {"Power", power},
    {"PriorBox", prior_box},
    {"ReLU", unary},
    {"ReLU6", unary},
    {"Reduction", reduction},
    {"Reshape", reshape},
    {"Scale", scale},
    {"ShuffleChannel", shuffle_channel},
    {"Sigmoid", unary},
    {"Silence", silence},
    {"Slice", slice},
    {"Softmax", softmax},
    {"Split", identity},
    {"Swish", unary},
    {"TanH", unary},
    {"Upsample", upsample},
};

LayerFunction find_layer(const std::string& type) {
  for (const Row& row : kLayers)
    if (type == row.type) return row.function;
  return nullptr;
}

const std::vector<Blob> kNoBlobs;

}  // namespace

std::vector<std::string> known_layers() {
  std::vector<std::string> names;
  for (const Row& row : kLayers) names.emplace_back(row.type);
  std::sort(names.begin(), names.end());
  return names;
}

bool is_known_layer(const std::string& type) {
  return type == "Input" || find_layer(type) != nullptr;
}

std::string rewrite_hint(const std::string& type) {
  if (type == "Data" || type == "ImageData" || type == "HDF5Data" || type == "MemoryData" || type == "AnnotatedData")
    return "a layer of training data; give the network's deploy description, which begins with an Input layer";
  if (type == "Accuracy" || type.find("Loss") != std::string::npos)
    return "a layer for training; give the network's deploy description";
  if (type == "Python") return "computes by a program that is not in the file";
  if (type == "LSTM" || type == "RNN" || type == "Recurrent") return "recurrent networks are not supported";
  if (type == "ROIPooling" || type == "Proposal")
    return "two-stage detectors are not supported; use a one-stage detector";
  std::string known;
  for (const Row& row : kLayers) known += (known.empty() ? "supported: " : ", ") + std::string(row.type);
  return known;
}

int stored_axis(int caffe_axis, int rank) {
  constexpr int kNhwc[4] = {0, 3, 1, 2};
  return rank == 4 ? kNhwc[caffe_axis] : caffe_axis;
}

std::string dims_text(const std::vector<std::int64_t>& dims) {
  std::string text;
  for (std::int64_t d : dims) text += (text.empty() ? "[" : ",") + std::to_string(d);
  return text.empty() ? "[]" : text + "]";
}

std::int64_t count(const std::vector<std::int64_t>& dims, int from) {
  std::int64_t n = 1;
  for (std::size_t i = static_cast<std::size_t>(from); i < dims.size(); ++i) n *= dims[i];
  return n;
}

Status LayerContext::expect_bottoms(int least, int most) const {
  const int found = static_cast<int>(bottoms.size());
  if (found >= least && found <= most) return {};
  return corrupt_model("expected " + std::to_string(least) + (most > least ? " to " + std::to_string(most) : "") +
                       " bottoms, found " + std::to_string(found));
}

Status LayerContext::expect_blobs(int least, int most) const {
  const int found = static_cast<int>(blobs.size());
  if (found >= least && found <= most) return {};
  return corrupt_model("expected " + std::to_string(least) + (most > least ? " to " + std::to_string(most) : "") +
                       " blobs in the .caffemodel, found " + std::to_string(found));
}

Status LayerContext::expect_rank(int rank) const {
  if (x().rank() == rank) return {};
  return unsupported("its bottom is " + dims_text(x().dims) + ", only rank " + std::to_string(rank) + " is supported");
}

Result<const Blob*> LayerContext::blob(int index, std::int64_t elements, const char* what) const {
  const Blob& blob = blobs[static_cast<std::size_t>(index)];
  if (static_cast<std::int64_t>(blob.data.size()) == elements) return &blob;
  return corrupt_model(std::string(what) + ": expected " + std::to_string(elements) +
                       " numbers, the .caffemodel holds " + dims_text(blob.shape));
}

Result<int> LayerContext::axis(int written, int rank) const {
  const int axis = written < 0 ? written + rank : written;
  if (axis >= 0 && axis < rank) return axis;
  return corrupt_model("axis " + std::to_string(written) + " of a bottom of rank " + std::to_string(rank));
}

Result<Tensor> Builder::add(const std::string& name, graph::Op op, std::vector<graph::ValueId> inputs) {
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId id, graph_.add_node(name, std::move(op), std::move(inputs)));
  const Shape& s = graph_.value(id).type.shape;
  Tensor tensor{id, {}};
  if (s.rank() == 4) {
    tensor.dims = {s[0], s[3], s[1], s[2]};
    graph_.value(id).source_order = Shape{0, 2, 3, 1};
  } else {
    tensor.dims.assign(s.begin(), s.end());
  }
  return tensor;
}

Tensor Builder::constant(const std::string& name, const Shape& shape, std::vector<float> elements) {
  Tensor tensor{graph_.add_constant_f32(name, shape, std::move(elements)), {}};
  tensor.dims.assign(shape.begin(), shape.end());
  return tensor;
}

Result<graph::ValueId> Builder::to_caffe_order(const std::string& name, const Tensor& x) {
  if (x.rank() != 4) return x.id;
  return graph_.add_node(name + "/nchw", graph::Transpose{Shape{0, 3, 1, 2}}, {x.id});
}

Result<Tensor> Builder::from_caffe_order(const std::string& name, graph::ValueId id,
                                         const std::vector<std::int64_t>& dims) {
  if (dims.size() == 4) return add(name + "/nhwc", graph::Transpose{Shape{0, 2, 3, 1}}, {id});
  return Tensor{id, dims};
}

Result<Tensor> Builder::reshape(const std::string& name, const Tensor& x, const std::vector<std::int64_t>& dims) {
  if (static_cast<int>(dims.size()) > kMaxRank)
    return unsupported("a rank of " + std::to_string(dims.size()) + " (at most " + std::to_string(kMaxRank) + ")");
  if (count(dims) != count(x.dims)) return corrupt_model("cannot make " + dims_text(dims) + " of " + dims_text(x.dims));
  DOTORI_ASSIGN_OR_RETURN(graph::ValueId id, to_caffe_order(name, x));
  Shape shape;
  for (std::int64_t d : dims) shape.push_back(d);
  DOTORI_ASSIGN_OR_RETURN(id, graph_.add_node(name, graph::Reshape{shape}, {id}));
  return from_caffe_order(name, id, dims);
}

const Priors* Builder::find_priors(const std::string& top) const {
  const auto found = priors_.find(top);
  return found == priors_.end() ? nullptr : &found->second;
}

Status Builder::add_input(const std::string& name, const std::vector<std::int64_t>& dims) {
  if (dims.empty() || dims.size() > kMaxRank) return unsupported("input '" + name + "' has shape " + dims_text(dims));
  for (std::int64_t d : dims)
    if (d < 1 || d > 65536)
      return corrupt_model("input '" + name + "': a dimension of " + std::to_string(d) + " in " + dims_text(dims));
  Shape shape;
  if (dims.size() == 4) shape = Shape{dims[0], dims[2], dims[3], dims[1]};
  else
    for (std::int64_t d : dims) shape.push_back(d);
  DOTORI_RETURN_IF_ERROR(shape.checked_elements().status());
  if (tensors_.count(name) != 0) return corrupt_model("two inputs are called '" + name + "'");
  const graph::ValueId id = graph_.add_input(name, DataType::kFloat32, shape);
  if (dims.size() == 4) graph_.value(id).source_order = Shape{0, 2, 3, 1};
  tensors_[name] = Tensor{id, dims};
  return {};
}

// Inputs stated before the layers: `input` with `input_shape`, or with four `input_dim` each.
Status Builder::add_inputs() {
  for (int i = 0; i < net_.input_size(); ++i) {
    std::vector<std::int64_t> dims;
    if (i < net_.input_shape_size()) {
      dims.assign(net_.input_shape(i).dim().begin(), net_.input_shape(i).dim().end());
    } else if (net_.input_dim_size() >= 4 * (i + 1)) {
      dims.assign(net_.input_dim().begin() + 4 * i, net_.input_dim().begin() + 4 * (i + 1));
    } else {
      return corrupt_model("input '" + net_.input(i) + "' has no input_shape and no four input_dim");
    }
    DOTORI_RETURN_IF_ERROR(add_input(net_.input(i), dims));
  }
  return {};
}

Status Builder::add_layer(const dotori_caffe::Layer& layer) {
  if (layer.type() == "Input") {
    const auto& shapes = layer.input_param().shape();
    for (int i = 0; i < layer.top_size(); ++i) {
      if (shapes.empty()) return corrupt_model("its input_param holds no shape");
      const auto& dims = shapes.Get(std::min(i, shapes.size() - 1)).dim();
      DOTORI_RETURN_IF_ERROR(add_input(layer.top(i), std::vector<std::int64_t>(dims.begin(), dims.end())));
    }
    return {};
  }
  const LayerFunction function = find_layer(layer.type());
  if (function == nullptr)
    return unsupported("type '" + layer.type() + "' is not supported; " + rewrite_hint(layer.type()));
  const auto blobs = blobs_.find(layer.name());
  LayerContext context{*this, layer, {}, blobs == blobs_.end() ? kNoBlobs : blobs->second};
  for (const std::string& bottom : layer.bottom()) {
    const auto found = tensors_.find(bottom);
    if (found == tensors_.end() && find_priors(bottom) == nullptr)
      return corrupt_model("no layer before it has the top '" + bottom + "'");
    if (found != tensors_.end()) context.bottoms.push_back(found->second);
    unread_.erase(std::remove(unread_.begin(), unread_.end(), bottom), unread_.end());
  }
  DOTORI_ASSIGN_OR_RETURN(std::vector<Tensor> tops, function(context));
  const bool silent = tops.empty();
  if (!silent && static_cast<int>(tops.size()) != layer.top_size())
    return corrupt_model("expected " + std::to_string(tops.size()) + " tops, found " +
                         std::to_string(layer.top_size()));
  for (std::size_t i = 0; i < tops.size(); ++i) {
    const std::string& top = layer.top(static_cast<int>(i));
    tensors_[top] = std::move(tops[i]);
    unread_.erase(std::remove(unread_.begin(), unread_.end(), top), unread_.end());
    unread_.push_back(top);
  }
  return {};
}

Status Builder::set_outputs() {
  if (outputs_.empty())
    for (const std::string& top : unread_) outputs_.push_back(tensors_[top].id);
  if (outputs_.empty()) return corrupt_model("the network has no output");
  graph_.outputs = outputs_;
  return {};
}

Result<graph::Graph> Builder::build() {
  DOTORI_RETURN_IF_ERROR(add_inputs());
  for (const dotori_caffe::Layer& layer : net_.layer()) {
    const Status status = add_layer(layer);
    if (!status.ok()) return status.with_context("layer '" + layer.name() + "' (" + layer.type() + ")");
  }
  DOTORI_RETURN_IF_ERROR(set_outputs());
  return std::move(graph_);
}

}  // namespace dotori::convert::caffe
