// SPDX-License-Identifier: Apache-2.0
#include <new>

#include "convert/caffe/builder.h"
#include "convert/convert.h"
#include "graph/verify.h"

namespace dotori::convert {
namespace caffe {
namespace {

std::string base_name(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// The stated shape of an input, before the layers or in an Input layer, replaced by the option's.
Status fix_inputs(dotori_caffe::Net& net, const ImportOptions& options) {
  for (const auto& [name, dims] : options.input_shapes) {
    dotori_caffe::BlobShape shape;
    for (std::int64_t d : dims) shape.add_dim(d);
    bool found = false;
    std::string known;
    for (int i = 0; i < net.input_size(); ++i) {
      known += " '" + net.input(i) + "'";
      if (net.input(i) != name) continue;
      if (net.input_shape_size() != net.input_size())
        return unsupported("input '" + name + "' is stated by input_dim; write it as input_shape");
      *net.mutable_input_shape(i) = shape;
      found = true;
    }
    for (dotori_caffe::Layer& layer : *net.mutable_layer()) {
      if (layer.type() != "Input") continue;
      for (const std::string& top : layer.top()) known += " '" + top + "'";
      if (layer.top_size() != 1 || layer.top(0) != name) continue;
      layer.mutable_input_param()->clear_shape();
      *layer.mutable_input_param()->add_shape() = shape;
      found = true;
    }
    if (!found) return invalid_argument("there is no input '" + name + "' (inputs:" + known + ")");
  }
  return {};
}

Result<graph::Graph> build(const std::string& description_path, const std::string& weights_path,
                           const ImportOptions& options) {
  DOTORI_ASSIGN_OR_RETURN(dotori_caffe::Net net, read_description(description_path));
  const Status fixed = fix_inputs(net, options);
  if (!fixed.ok()) return fixed.with_context(description_path);
  DOTORI_ASSIGN_OR_RETURN(const Blobs blobs, read_weights(weights_path));
  auto graph = Builder(net, blobs).build();
  if (!graph.ok()) return graph.status().with_context(description_path);
  const std::string name = base_name(description_path);
  graph->name = net.name().empty() ? name.substr(0, name.rfind(".prototxt")) : net.name();
  graph->source = "caffe: " + name;
  const Status verified = graph::verify(*graph);
  if (!verified.ok()) return verified.with_context(description_path);
  return graph;
}

}  // namespace
}  // namespace caffe

Result<graph::Graph> import_caffe(const std::string& description_path, const std::string& weights_path,
                                  const ImportOptions& options) {
  try {
    return caffe::build(description_path, weights_path, options);
  } catch (const std::bad_alloc&) {
    return out_of_memory(description_path + ": not enough memory to import the network");
  }
}

}  // namespace dotori::convert
