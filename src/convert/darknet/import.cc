// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <new>

#include "convert/convert.h"
#include "convert/darknet/cfg.h"
#include "convert/darknet/layers.h"
#include "convert/darknet/weights.h"
#include "graph/reader.h"
#include "graph/verify.h"

namespace dotori::convert {
namespace darknet {
namespace {

std::string base_name(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// All values are [1,H,W,C].
class Builder {
 public:
  Builder(const Network& network, WeightsReader weights) : network_(network), weights_(std::move(weights)) {}

  Result<graph::Graph> build() {
    const LayerShape& in = network_.input;
    graph::ValueId x = graph_.add_input("data", DataType::kFloat32, Shape{1, in.h, in.w, in.c});
    for (const Layer& layer : network_.layers) {
      DOTORI_ASSIGN_OR_RETURN(x, add_layer(layer, x));
      values_.push_back(x);
    }
    DOTORI_RETURN_IF_ERROR(set_task());
    return std::move(graph_);
  }

 private:
  Result<graph::ValueId> add_layer(const Layer& layer, graph::ValueId x) {
    switch (layer.kind) {
      case LayerKind::kConvolutional: return add_convolutional(layer, x);
      case LayerKind::kConnected: return add_connected(layer, x);
      case LayerKind::kMaxPool: return add_maxpool(layer, x);
      case LayerKind::kAveragePool:
        return graph_.add_node(layer.name, graph::Reduce{graph::ReduceFunction::kMean, Shape{1, 2}, true}, {x});
      case LayerKind::kUpsample: return add_upsample(layer, x);
      case LayerKind::kRoute: return add_route(layer);
      case LayerKind::kShortcut: return add_combination(layer, graph::BinaryFunction::kAdd, x);
      case LayerKind::kScaleChannels:
      case LayerKind::kMultiply: return add_combination(layer, graph::BinaryFunction::kMul, x);
      case LayerKind::kReorg: return add_reorg(layer, x);
      case LayerKind::kSoftmax: return add_softmax(layer, x);
      case LayerKind::kCrop: return add_crop(layer, x);
      case LayerKind::kYolo:
      case LayerKind::kRegion:
      case LayerKind::kPass: return x;
    }
    return internal_error(layer.name + ": a layer kind without nodes");
  }

  std::vector<graph::ValueId> add_weights(const Layer& layer, const Shape& shape, graph::ValueId x) {
    LayerWeights weights = weights_.read(layer);
    const graph::ValueId w = graph_.add_constant_f32(layer.name + "/weights", shape, std::move(weights.weights));
    const graph::ValueId b = graph_.add_constant_f32(layer.name + "/bias", Shape{layer.out.c}, std::move(weights.bias));
    return {x, w, b};
  }

  Result<graph::ValueId> add_convolutional(const Layer& layer, graph::ValueId x) {
    graph::Conv2d node;
    node.kernel_h = node.kernel_w = layer.size;
    node.stride_h = layer.stride_h;
    node.stride_w = layer.stride_w;
    node.dilation_h = node.dilation_w = layer.dilation;
    node.pad_top = node.pad_bottom = node.pad_left = node.pad_right = layer.padding;
    node.groups = layer.groups;
    node.activation = layer.activation;
    return graph_.add_node(
        layer.name, node, add_weights(layer, Shape{layer.out.c, layer.size, layer.size, layer.in.c / layer.groups}, x));
  }

  Result<graph::ValueId> add_connected(const Layer& layer, graph::ValueId x) {
    const std::int64_t inputs = layer.in.elements();
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId flat,
                            graph_.add_node(layer.name + "/flatten", graph::Reshape{Shape{1, 1, 1, inputs}}, {x}));
    return graph_.add_node(layer.name, graph::FullyConnected{layer.activation},
                           add_weights(layer, Shape{layer.out.c, inputs}, flat));
  }

  Result<graph::ValueId> add_maxpool(const Layer& layer, graph::ValueId x) {
    graph::MaxPool2d node;
    node.kernel_h = node.kernel_w = layer.size;
    node.stride_h = layer.stride_h;
    node.stride_w = layer.stride_w;
    node.pad_top = node.pad_left = layer.padding / 2;
    node.pad_bottom = node.pad_right = layer.padding - layer.padding / 2;
    return graph_.add_node(layer.name, node, {x});
  }

  Result<graph::ValueId> add_upsample(const Layer& layer, graph::ValueId x) {
    graph::Resize2d node;
    node.filter = graph::ResizeFilter::kNearest;
    node.coordinates = graph::CoordinateRule::kAsymmetric;
    node.nearest = graph::NearestRule::kFloor;
    node.out_h = static_cast<int>(layer.out.h);
    node.out_w = static_cast<int>(layer.out.w);
    return graph_.add_node(layer.name, node, {x});
  }

  Result<graph::ValueId> add_route(const Layer& layer) {
    std::vector<graph::ValueId> parts;
    for (std::size_t i = 0; i < layer.sources.size(); ++i) {
      const std::size_t number = static_cast<std::size_t>(layer.sources[i]);
      graph::ValueId part = values_[number];
      if (layer.groups > 1) {
        const LayerShape& from = network_.layers[number].out;
        const std::int64_t channels = from.c / layer.groups;
        const graph::Slice slice{Shape{0, 0, 0, channels * layer.group_id}, Shape{1, from.h, from.w, channels},
                                 Shape{1, 1, 1, 1}};
        const std::string name = layer.sources.size() == 1 ? layer.name : layer.name + "/group_" + std::to_string(i);
        DOTORI_ASSIGN_OR_RETURN(part, graph_.add_node(name, slice, {part}));
      }
      parts.push_back(part);
    }
    if (parts.size() == 1) return parts[0];
    return graph_.add_node(layer.name, graph::Concat{3}, std::move(parts));
  }

  // The layer's input combined with each source in turn; the activation comes last.
  Result<graph::ValueId> add_combination(const Layer& layer, graph::BinaryFunction function, graph::ValueId x) {
    for (std::size_t i = 0; i < layer.sources.size(); ++i) {
      const bool last = i + 1 == layer.sources.size();
      graph::Binary node;
      node.function = function;
      if (last) node.activation = layer.activation;
      const std::string name = last ? layer.name : layer.name + "/" + std::to_string(i);
      graph::ValueId source = values_[static_cast<std::size_t>(layer.sources[i])];
      if (layer.kind == LayerKind::kShortcut) {
        const LayerShape& from = network_.layers[static_cast<std::size_t>(layer.sources[i])].out;
        DOTORI_ASSIGN_OR_RETURN(source, fit_shortcut(layer, name, from, source));
      }
      DOTORI_ASSIGN_OR_RETURN(x, graph_.add_node(name, node, {source, x}));
    }
    return x;
  }

  // The source of a shortcut brought to the shape of the layer's input.
  Result<graph::ValueId> fit_shortcut(const Layer& layer, const std::string& name, const LayerShape& from,
                                      graph::ValueId x) {
    const LayerShape& to = layer.in;
    const std::int64_t stride = from.w / to.w;
    const std::int64_t channels = std::min(from.c, to.c);
    if (from.h != to.h || from.w != to.w || channels != from.c) {
      const graph::Slice slice{Shape{0, 0, 0, 0}, Shape{1, to.h, to.w, channels}, Shape{1, stride, stride, 1}};
      DOTORI_ASSIGN_OR_RETURN(x, graph_.add_node(name + "/sample", slice, {x}));
    }
    if (channels != to.c) {
      graph::Pad pad;
      pad.before = Shape{0, 0, 0, 0};
      pad.after = Shape{0, 0, 0, to.c - channels};
      DOTORI_ASSIGN_OR_RETURN(x, graph_.add_node(name + "/pad", pad, {x}));
    }
    return x;
  }

  // Darknet's reorg takes the memory of its [C][H][W] input for a [C/s^2][H*s][W*s] image, gathers the s x s offsets of
  // that into the outermost channels, and takes the result for a [C*s^2][H/s][W/s] image.
  Result<graph::ValueId> add_reorg(const Layer& layer, graph::ValueId x) {
    const std::int64_t s = layer.stride_h;
    const LayerShape& in = layer.in;
    const LayerShape& out = layer.out;
    DOTORI_ASSIGN_OR_RETURN(x, graph_.add_node(layer.name + "/nchw", graph::Transpose{Shape{0, 3, 1, 2}}, {x}));
    DOTORI_ASSIGN_OR_RETURN(
        x, graph_.add_node(layer.name + "/blocks", graph::Reshape{Shape{in.c / (s * s), in.h, s, in.w, s}}, {x}));
    DOTORI_ASSIGN_OR_RETURN(x, graph_.add_node(layer.name + "/gather", graph::Transpose{Shape{2, 4, 0, 1, 3}}, {x}));
    DOTORI_ASSIGN_OR_RETURN(x,
                            graph_.add_node(layer.name + "/shape", graph::Reshape{Shape{1, out.c, out.h, out.w}}, {x}));
    return graph_.add_node(layer.name, graph::Transpose{Shape{0, 2, 3, 1}}, {x});
  }

  // In Darknet's sequence: all pixels of a channel, then the next one.
  Result<graph::ValueId> add_softmax(const Layer& layer, graph::ValueId x) {
    if (layer.in.h != 1 || layer.in.w != 1) {
      DOTORI_ASSIGN_OR_RETURN(x, graph_.add_node(layer.name + "/nchw", graph::Transpose{Shape{0, 3, 1, 2}}, {x}));
      DOTORI_ASSIGN_OR_RETURN(
          x, graph_.add_node(layer.name + "/flatten", graph::Reshape{Shape{1, 1, 1, layer.out.c}}, {x}));
    }
    return graph_.add_node(layer.name, graph::Softmax{3, 1 / layer.temperature}, {x});
  }

  Result<graph::ValueId> add_crop(const Layer& layer, graph::ValueId x) {
    const LayerShape &in = layer.in, &out = layer.out;
    const graph::Slice slice{Shape{0, (in.h - out.h) / 2, (in.w - out.w) / 2, 0}, Shape{1, out.h, out.w, out.c},
                             Shape{1, 1, 1, 1}};
    DOTORI_ASSIGN_OR_RETURN(x, graph_.add_node(layer.adjusts ? layer.name + "/slice" : layer.name, slice, {x}));
    if (!layer.adjusts) return x;
    const graph::ValueId two = graph_.add_constant_f32(layer.name + "/two", {}, {2});
    const graph::ValueId one = graph_.add_constant_f32(layer.name + "/one", {}, {1});
    DOTORI_ASSIGN_OR_RETURN(
        x, graph_.add_node(layer.name + "/double", graph::Binary{graph::BinaryFunction::kMul, {}}, {x, two}));
    return graph_.add_node(layer.name, graph::Binary{graph::BinaryFunction::kSub, {}}, {x, one});
  }

  Status set_task() {
    Preprocess& preprocess = graph_.task.preprocess;
    preprocess.order = network_.input.c == 1 ? ChannelOrder::kGray : ChannelOrder::kRgb;
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      const Layer& layer = network_.layers[i];
      if (layer.kind == LayerKind::kYolo || layer.kind == LayerKind::kRegion)
        DOTORI_RETURN_IF_ERROR(add_head(layer, values_[i]));
    }
    if (!graph_.outputs.empty()) {
      graph_.task.task = Task::kDetection;
      preprocess.resize = ResizeMode::kLetterbox;
      preprocess.pad_value = 127.5f;  // Darknet fills with 0.5 of 1
      return {};
    }
    return set_classifier();
  }

  Status add_head(const Layer& layer, graph::ValueId value) {
    DetectionInfo& detection = graph_.task.detection;
    const DetectionDecoder decoder =
        layer.kind == LayerKind::kYolo ? DetectionDecoder::kYolo : DetectionDecoder::kRegion;
    const bool first = detection.scales.empty();
    if (!first && (detection.decoder != decoder || detection.classes != layer.classes ||
                   detection.scale_x_y != layer.scale_x_y || detection.new_coords != layer.new_coords))
      return unsupported("layer " + layer.name +
                         ": its kind, classes, scale_x_y or new_coords differ from those of the first detection layer");
    detection.decoder = decoder;
    detection.classes = layer.classes;
    detection.scale_x_y = layer.scale_x_y;
    detection.new_coords = layer.new_coords;
    DetectionScale scale;
    scale.output = static_cast<int>(graph_.outputs.size());
    const LayerShape& in = network_.input;
    if (in.w % layer.in.w == 0 && in.h % layer.in.h == 0 && in.w / layer.in.w == in.h / layer.in.h)
      scale.stride = static_cast<int>(in.w / layer.in.w);
    scale.anchors = layer.anchors;
    detection.scales.push_back(std::move(scale));
    graph_.outputs.push_back(value);
    return {};
  }

  // A network that ends with a softmax is a classifier; any other gives its last layer's values.
  Status set_classifier() {
    std::size_t last = network_.layers.size() - 1;
    while (last > 0 && network_.layers[last].kind == LayerKind::kPass) --last;
    graph::ValueId output = values_[last];
    if (network_.layers[last].kind == LayerKind::kSoftmax) {
      DOTORI_ASSIGN_OR_RETURN(
          output, graph_.add_node("probabilities", graph::Reshape{Shape{1, network_.layers[last].out.c}}, {output}));
      graph_.task.task = Task::kClassification;
      graph_.task.preprocess.resize = ResizeMode::kCenterCrop;
      graph_.task.preprocess.crop_fraction = 1;
    }
    graph_.outputs.push_back(output);
    return {};
  }

  const Network& network_;
  WeightsReader weights_;
  graph::Graph graph_;
  std::vector<graph::ValueId> values_;  // by layer number
};

Result<Network> read_network(const std::string& path) {
  DOTORI_ASSIGN_OR_RETURN(const std::vector<Section> sections, read_cfg(path));
  auto network = plan_network(sections);
  if (!network.ok()) return network.status().with_context(path);
  return network;
}

Result<graph::Graph> build(const std::string& cfg_path, const std::string& weights_path) {
  DOTORI_ASSIGN_OR_RETURN(const Network network, read_network(cfg_path));
  DOTORI_ASSIGN_OR_RETURN(const graph::Constant file, graph::read_file(weights_path));
  auto weights = WeightsReader::open({static_cast<const unsigned char*>(file.data), file.size_bytes}, network);
  if (!weights.ok()) return weights.status().with_context(weights_path);
  auto graph = Builder(network, std::move(*weights)).build();
  if (!graph.ok()) return graph.status().with_context(cfg_path);
  const std::string name = base_name(cfg_path);
  graph->name = name.substr(0, name.rfind(".cfg"));
  graph->source = "darknet: " + name;
  const Status verified = graph::verify(*graph);
  if (!verified.ok()) return verified.with_context(cfg_path);
  return graph;
}

}  // namespace
}  // namespace darknet

Result<graph::Graph> import_darknet(const std::string& cfg_path, const std::string& weights_path,
                                    const ImportOptions& options) {
  if (!options.input_shapes.empty())
    return invalid_argument(cfg_path +
                            ": the input's shape is stated in [net] (width, height, channels); no other can be given");
  try {
    return darknet::build(cfg_path, weights_path);
  } catch (const std::bad_alloc&) {
    return out_of_memory(cfg_path + ": not enough memory to import the network");
  }
}

}  // namespace dotori::convert
