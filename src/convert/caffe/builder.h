// SPDX-License-Identifier: Apache-2.0
// The graph under construction, and what the layers' functions share. Values of rank 4 are kept as [N,H,W,C]; all
// others as Caffe has them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "convert/caffe/description.h"
#include "graph/graph.h"

namespace dotori::convert::caffe {

// A blob of the running network.
struct Tensor {
  graph::ValueId id;
  std::vector<std::int64_t> dims;  // in Caffe's order: [N,C,H,W] for an image

  int rank() const noexcept { return static_cast<int>(dims.size()); }
};

// Anchor boxes of an SSD: known while importing.
struct Priors {
  std::vector<float> boxes;     // left, top, right, bottom in parts of the image, box after box
  std::vector<float> variance;  // four, the same for all boxes
};

bool is_known_layer(const std::string& type);
std::vector<std::string> known_layers();  // sorted
// What to do about a layer that is not known.
std::string rewrite_hint(const std::string& type);

class Builder {
 public:
  Builder(const dotori_caffe::Net& net, const Blobs& blobs) : net_(net), blobs_(blobs) {}

  // The whole graph; graph.task too where the network ends in DetectionOutput.
  Result<graph::Graph> build();

  graph::Graph& graph() noexcept { return graph_; }

  // Appends a node and describes its output in Caffe's order.
  Result<Tensor> add(const std::string& name, graph::Op op, std::vector<graph::ValueId> inputs);
  Tensor constant(const std::string& name, const Shape& shape, std::vector<float> elements);
  // The same elements in Caffe's order of memory, of rank 4 as well; and back.
  Result<graph::ValueId> to_caffe_order(const std::string& name, const Tensor& x);
  Result<Tensor> from_caffe_order(const std::string& name, graph::ValueId id, const std::vector<std::int64_t>& dims);
  // `x` under other dimensions, elements in Caffe's order.
  Result<Tensor> reshape(const std::string& name, const Tensor& x, const std::vector<std::int64_t>& dims);

  const Priors* find_priors(const std::string& top) const;
  void set_priors(const std::string& top, Priors priors) { priors_[top] = std::move(priors); }
  void set_outputs(std::vector<graph::ValueId> outputs) { outputs_ = std::move(outputs); }

 private:
  Status add_inputs();
  Status add_input(const std::string& name, const std::vector<std::int64_t>& dims);
  Status add_layer(const dotori_caffe::Layer& layer);
  Status set_outputs();

  const dotori_caffe::Net& net_;
  const Blobs& blobs_;
  graph::Graph graph_;
  std::map<std::string, Tensor> tensors_;  // by top; a layer in place replaces its bottom
  std::map<std::string, Priors> priors_;
  std::vector<std::string> unread_;  // tops that no layer reads yet, in order
  std::vector<graph::ValueId> outputs_;
};

// One layer with all it was given.
struct LayerContext {
  Builder& builder;
  const dotori_caffe::Layer& layer;
  std::vector<Tensor> bottoms;  // without those that are Priors
  const std::vector<Blob>& blobs;

  const std::string& name() const { return layer.name(); }
  const Tensor& x() const { return bottoms[0]; }
  // Arity, as the layer's function needs it. Errors say what was expected and found.
  Status expect_bottoms(int least, int most) const;
  Status expect_blobs(int least, int most) const;
  Status expect_rank(int rank) const;
  // Blob `index`, which must hold `elements` numbers. Errors: kCorruptModel.
  Result<const Blob*> blob(int index, std::int64_t elements, const char* what) const;
  // An axis as written, negative from the end, as a Caffe axis of `x`.
  Result<int> axis(int written, int rank) const;
};

// The same axis in the order in which values are kept.
int stored_axis(int caffe_axis, int rank);
std::string dims_text(const std::vector<std::int64_t>& dims);
std::int64_t count(const std::vector<std::int64_t>& dims, int from = 0);

// Makes a layer's tops.
using LayerFunction = Result<std::vector<Tensor>> (*)(LayerContext&);

Result<std::vector<Tensor>> convolution(LayerContext& c);
Result<std::vector<Tensor>> deconvolution(LayerContext& c);
Result<std::vector<Tensor>> pooling(LayerContext& c);
Result<std::vector<Tensor>> inner_product(LayerContext& c);
Result<std::vector<Tensor>> upsample(LayerContext& c);
Result<std::vector<Tensor>> interp(LayerContext& c);

Result<std::vector<Tensor>> unary(LayerContext& c);
Result<std::vector<Tensor>> prelu(LayerContext& c);
Result<std::vector<Tensor>> power(LayerContext& c);
Result<std::vector<Tensor>> exponential(LayerContext& c);
Result<std::vector<Tensor>> logarithm(LayerContext& c);
Result<std::vector<Tensor>> batch_norm(LayerContext& c);
Result<std::vector<Tensor>> scale(LayerContext& c);
Result<std::vector<Tensor>> bias(LayerContext& c);
Result<std::vector<Tensor>> eltwise(LayerContext& c);
Result<std::vector<Tensor>> lrn(LayerContext& c);
Result<std::vector<Tensor>> normalize(LayerContext& c);
Result<std::vector<Tensor>> softmax(LayerContext& c);

Result<std::vector<Tensor>> identity(LayerContext& c);
Result<std::vector<Tensor>> silence(LayerContext& c);
Result<std::vector<Tensor>> concat(LayerContext& c);
Result<std::vector<Tensor>> slice(LayerContext& c);
Result<std::vector<Tensor>> flatten(LayerContext& c);
Result<std::vector<Tensor>> reshape(LayerContext& c);
Result<std::vector<Tensor>> permute(LayerContext& c);
Result<std::vector<Tensor>> crop(LayerContext& c);
Result<std::vector<Tensor>> shuffle_channel(LayerContext& c);
Result<std::vector<Tensor>> reduction(LayerContext& c);
Result<std::vector<Tensor>> arg_max(LayerContext& c);

Result<std::vector<Tensor>> prior_box(LayerContext& c);
Result<std::vector<Tensor>> detection_output(LayerContext& c);

}  // namespace dotori::convert::caffe
