// SPDX-License-Identifier: Apache-2.0
// Defaults and formulas are those of Darknet's parser.c and make_*_layer functions.
#include "convert/darknet/layers.h"

#include <algorithm>

namespace dotori::convert::darknet {
namespace {

constexpr int kMaxSide = 32768;
constexpr int kMaxChannels = 1 << 20;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 31;
constexpr float kMaxAnchor = 1e6f;

Result<graph::Activation> activation(const Section& section, const char* otherwise) {
  struct Row {
    const char* name;
    graph::Activation activation;
  };
  static constexpr Row kRows[] = {
      {"linear", {graph::Function::kIdentity, 0, 0}}, {"leaky", {graph::Function::kLeakyRelu, 0.1f, 0}},
      {"relu", {graph::Function::kRelu, 0, 0}},       {"relu6", {graph::Function::kClip, 0, 6}},
      {"mish", {graph::Function::kMish, 0, 0}},       {"swish", {graph::Function::kSilu, 0, 0}},
      {"silu", {graph::Function::kSilu, 0, 0}},       {"logistic", {graph::Function::kSigmoid, 0, 0}},
      {"tanh", {graph::Function::kTanh, 0, 0}},       {"elu", {graph::Function::kElu, 1, 0}},
      {"hardtan", {graph::Function::kClip, -1, 1}},   {"relie", {graph::Function::kLeakyRelu, 0.01f, 0}},
  };
  const std::string name = section.text("activation", otherwise);
  std::string known;
  for (const Row& row : kRows) {
    if (name == row.name) return row.activation;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  return unsupported(section.where("activation") + ": '" + name + "' (supported: " + known + ")");
}

// These keys change what a layer computes; anything but the default is refused rather than ignored.
Status refuse_options(const Section& section, const std::vector<const char*>& keys) {
  for (const char* key : keys) {
    const Entry* entry = section.find(key);
    if (entry != nullptr && entry->value != "0")
      return unsupported(section.where(key) + ": '" + entry->value + "' (only 0 is supported)");
  }
  return {};
}

Status check_shape(const Section& section, const LayerShape& shape) {
  const std::string text = std::to_string(shape.w) + "x" + std::to_string(shape.h) + "x" + std::to_string(shape.c);
  if (shape.h < 1 || shape.w < 1 || shape.c < 1)
    return corrupt_model(section.where() + ": its output would be empty (" + text + ")");
  if (shape.h > kMaxSide || shape.w > kMaxSide || shape.c > kMaxElements || shape.h * shape.w * shape.c > kMaxElements)
    return unsupported(section.where() + ": its output would be too large (" + text + ")");
  return {};
}

// A layer number as the file states it: negative counts back from this layer.
Result<int> source(const Section& section, const char* key, int stated) {
  const int number = stated < 0 ? section.index + stated : stated;
  if (number < 0 || number >= section.index)
    return corrupt_model(section.where(key) + ": layer " + std::to_string(stated) + " does not stand before this one");
  return number;
}

Status plan_convolutional(const Section& section, Layer* layer) {
  DOTORI_RETURN_IF_ERROR(refuse_options(section, {"flipped", "antialiasing", "xnor", "binary", "bin_output", "sway",
                                                  "rotate", "stretch", "stretch_sway", "coordconv"}));
  if (section.find("share_index") != nullptr) return unsupported(section.where("share_index") + ": shared weights");
  DOTORI_ASSIGN_OR_RETURN(const int filters, section.integer("filters", 1, 1, kMaxChannels));
  DOTORI_ASSIGN_OR_RETURN(layer->size, section.integer("size", 1, 1, 1024));
  DOTORI_ASSIGN_OR_RETURN(const int stride, section.integer("stride", 1, 1, 1024));
  DOTORI_ASSIGN_OR_RETURN(layer->stride_w, section.integer("stride_x", stride, 1, 1024));
  DOTORI_ASSIGN_OR_RETURN(layer->stride_h, section.integer("stride_y", stride, 1, 1024));
  DOTORI_ASSIGN_OR_RETURN(layer->groups, section.integer("groups", 1, 1, kMaxChannels));
  DOTORI_ASSIGN_OR_RETURN(layer->dilation, section.integer("dilation", 1, 1, 1024));
  DOTORI_ASSIGN_OR_RETURN(layer->padding, section.integer("padding", 0, 0, 1024));
  DOTORI_ASSIGN_OR_RETURN(const int pad, section.integer("pad", 0, 0, 1024));
  DOTORI_ASSIGN_OR_RETURN(const int batch_normalize, section.integer("batch_normalize", 0, 0, 2));
  DOTORI_ASSIGN_OR_RETURN(const int cross_batch, section.integer("cbn", 0, 0, 1));
  DOTORI_ASSIGN_OR_RETURN(layer->activation, activation(section, "logistic"));
  layer->batch_normalize = batch_normalize != 0 || cross_batch != 0;
  if (pad != 0) layer->padding = layer->size / 2;
  if (layer->size == 1) layer->dilation = 1;
  if (layer->in.c % layer->groups != 0 || filters % layer->groups != 0)
    return corrupt_model(section.where("groups") + ": " + std::to_string(layer->groups) + " groups divide neither " +
                         std::to_string(layer->in.c) + " input channels nor " + std::to_string(filters) + " filters");
  // Darknet dilates the padding too, but leaves the dilation out of the output's size: the two agree only here.
  if (layer->dilation > 1 && 2 * layer->padding != layer->size - 1)
    return unsupported(section.where("dilation") + ": a dilated convolution needs pad = 1 and an odd size");
  layer->out.h = (layer->in.h + 2 * layer->padding - layer->size) / layer->stride_h + 1;
  layer->out.w = (layer->in.w + 2 * layer->padding - layer->size) / layer->stride_w + 1;
  if (layer->in.h + 2 * layer->padding < layer->size || layer->in.w + 2 * layer->padding < layer->size)
    return corrupt_model(section.where("size") + ": a window of " + std::to_string(layer->size) +
                         " is larger than its input");
  layer->out.c = filters;
  layer->padding *= layer->dilation;
  return {};
}

Status plan_connected(const Section& section, Layer* layer) {
  DOTORI_ASSIGN_OR_RETURN(const int output, section.integer("output", 1, 1, kMaxChannels));
  DOTORI_ASSIGN_OR_RETURN(const int batch_normalize, section.integer("batch_normalize", 0, 0, 1));
  DOTORI_ASSIGN_OR_RETURN(layer->activation, activation(section, "logistic"));
  layer->batch_normalize = batch_normalize != 0;
  layer->out = {1, 1, output};
  return {};
}

// The window starts padding / 2 before the input, and the output's size follows from the whole padding.
Status plan_maxpool(const Section& section, Layer* layer) {
  DOTORI_RETURN_IF_ERROR(refuse_options(section, {"maxpool_depth", "antialiasing"}));
  DOTORI_ASSIGN_OR_RETURN(const int stride, section.integer("stride", 1, 1, 1024));
  DOTORI_ASSIGN_OR_RETURN(layer->stride_w, section.integer("stride_x", stride, 1, 1024));
  DOTORI_ASSIGN_OR_RETURN(layer->stride_h, section.integer("stride_y", stride, 1, 1024));
  DOTORI_ASSIGN_OR_RETURN(layer->size, section.integer("size", stride, 1, 1024));
  DOTORI_ASSIGN_OR_RETURN(layer->padding, section.integer("padding", layer->size - 1, 0, 2 * layer->size - 2));
  if (layer->in.h + layer->padding < layer->size || layer->in.w + layer->padding < layer->size)
    return corrupt_model(section.where("size") + ": a window of " + std::to_string(layer->size) +
                         " is larger than its input");
  layer->out.h = (layer->in.h + layer->padding - layer->size) / layer->stride_h + 1;
  layer->out.w = (layer->in.w + layer->padding - layer->size) / layer->stride_w + 1;
  layer->out.c = layer->in.c;
  return {};
}

Status plan_upsample(const Section& section, Layer* layer) {
  DOTORI_ASSIGN_OR_RETURN(layer->stride_h, section.integer("stride", 2, 1, 64));
  DOTORI_ASSIGN_OR_RETURN(const float scale, section.number("scale", 1, -1e6f, 1e6f));
  if (scale != 1) return unsupported(section.where("scale") + ": only 1 is supported");
  layer->stride_w = layer->stride_h;
  layer->out = {layer->in.h * layer->stride_h, layer->in.w * layer->stride_w, layer->in.c};
  return {};
}

Status plan_route(const Section& section, const std::vector<Layer>& layers, Layer* layer) {
  DOTORI_ASSIGN_OR_RETURN(const std::vector<int> stated, section.integers("layers", -65536, 65536, 1024));
  if (stated.empty()) return corrupt_model(section.where("layers") + ": the key is missing");
  DOTORI_RETURN_IF_ERROR(refuse_options(section, {"stream"}));
  DOTORI_ASSIGN_OR_RETURN(layer->groups, section.integer("groups", 1, 1, kMaxChannels));
  DOTORI_ASSIGN_OR_RETURN(layer->group_id, section.integer("group_id", 0, 0, kMaxChannels));
  if (layer->group_id >= layer->groups)
    return corrupt_model(section.where("group_id") + ": " + std::to_string(layer->group_id) + " of " +
                         std::to_string(layer->groups) + " groups");
  for (int s : stated) {
    DOTORI_ASSIGN_OR_RETURN(const int number, source(section, "layers", s));
    const LayerShape& from = layers[static_cast<std::size_t>(number)].out;
    if (!layer->sources.empty() && (from.h != layer->out.h || from.w != layer->out.w))
      return corrupt_model(section.where("layers") + ": layer " + std::to_string(s) + " is " + std::to_string(from.w) +
                           "x" + std::to_string(from.h) + ", the first one is " + std::to_string(layer->out.w) + "x" +
                           std::to_string(layer->out.h));
    if (from.c % layer->groups != 0)
      return corrupt_model(section.where("groups") + ": " + std::to_string(from.c) + " channels of layer " +
                           std::to_string(number) + " do not divide into " + std::to_string(layer->groups) + " groups");
    layer->out = {from.h, from.w, layer->out.c + from.c / layer->groups};
    layer->sources.push_back(number);
  }
  return {};
}

// [shortcut], [scale_channels] and [sam] combine their input with earlier layers named by "from".
Status plan_combination(const Section& section, const std::vector<Layer>& layers, Layer* layer) {
  DOTORI_ASSIGN_OR_RETURN(const std::vector<int> stated, section.integers("from", -65536, 65536, 1024));
  const bool one_only = layer->kind != LayerKind::kShortcut;
  if (stated.empty() || (one_only && stated.size() != 1))
    return corrupt_model(section.where("from") + ": expected " + (one_only ? "one layer" : "one or more layers"));
  if (section.text("weights_type", "none") != "none")
    return unsupported(section.where("weights_type") + ": only none is supported");
  for (const char* key : {"alpha", "beta"}) {
    DOTORI_ASSIGN_OR_RETURN(const float factor, section.number(key, 1, -1e6f, 1e6f));
    if (factor != 1) return unsupported(section.where(key) + ": only 1 is supported");
  }
  DOTORI_RETURN_IF_ERROR(refuse_options(section, {"scale_wh"}));
  DOTORI_ASSIGN_OR_RETURN(layer->activation, activation(section, "linear"));
  for (int s : stated) {
    DOTORI_ASSIGN_OR_RETURN(const int number, source(section, "from", s));
    const LayerShape& from = layers[static_cast<std::size_t>(number)].out;
    bool fits = from == layer->in;
    layer->out = layer->in;
    if (layer->kind == LayerKind::kShortcut) {
      const std::int64_t stride = from.w / layer->in.w;
      fits = stride >= 1 && stride == from.h / layer->in.h;
    } else if (layer->kind == LayerKind::kScaleChannels) {
      fits = layer->in.h == 1 && layer->in.w == 1 && from.c == layer->in.c;
      layer->out = from;
    }
    if (!fits)
      return unsupported(section.where("from") + ": layer " + std::to_string(number) + " is " + std::to_string(from.w) +
                         "x" + std::to_string(from.h) + "x" + std::to_string(from.c) + ", this layer's input is " +
                         std::to_string(layer->in.w) + "x" + std::to_string(layer->in.h) + "x" +
                         std::to_string(layer->in.c));
    layer->sources.push_back(number);
  }
  return {};
}

Status plan_reorg(const Section& section, Layer* layer) {
  DOTORI_RETURN_IF_ERROR(refuse_options(section, {"reverse", "flatten", "extra"}));
  DOTORI_ASSIGN_OR_RETURN(layer->stride_h, section.integer("stride", 1, 1, 64));
  layer->stride_w = layer->stride_h;
  const std::int64_t s = layer->stride_h;
  if (layer->in.h % s != 0 || layer->in.w % s != 0 || layer->in.c % (s * s) != 0)
    return unsupported(section.where("stride") + ": " + std::to_string(layer->in.w) + "x" +
                       std::to_string(layer->in.h) + "x" + std::to_string(layer->in.c) + " does not divide by " +
                       std::to_string(s));
  layer->out = {layer->in.h / s, layer->in.w / s, layer->in.c * s * s};
  return {};
}

Status plan_softmax(const Section& section, Layer* layer) {
  DOTORI_ASSIGN_OR_RETURN(const int groups, section.integer("groups", 1, 1, kMaxChannels));
  DOTORI_ASSIGN_OR_RETURN(layer->temperature, section.number("temperature", 1, 1e-6f, 1e6f));
  if (groups != 1) return unsupported(section.where("groups") + ": only 1 is supported");
  if (section.find("tree") != nullptr) return unsupported(section.where("tree") + ": a class hierarchy");
  DOTORI_RETURN_IF_ERROR(refuse_options(section, {"spatial"}));
  layer->out = {1, 1, layer->in.elements()};  // over all numbers, wherever they stand
  return {};
}

// flip, angle, saturation, exposure and shift vary photos while training only.
Status plan_crop(const Section& section, Layer* layer) {
  DOTORI_ASSIGN_OR_RETURN(const int height, section.integer("crop_height", 1, 1, kMaxSide));
  DOTORI_ASSIGN_OR_RETURN(const int width, section.integer("crop_width", 1, 1, kMaxSide));
  DOTORI_ASSIGN_OR_RETURN(const int noadjust, section.integer("noadjust", 0, 0, 1));
  if (height > layer->in.h || width > layer->in.w)
    return corrupt_model(section.where("crop_height") + ": " + std::to_string(width) + "x" + std::to_string(height) +
                         " out of " + std::to_string(layer->in.w) + "x" + std::to_string(layer->in.h));
  layer->adjusts = noadjust == 0;
  layer->out = {height, width, layer->in.c};
  return {};
}

// [yolo] anchors are in input pixels and chosen by "mask"; [region] anchors are in cells and all used.
Status plan_head(const Section& section, const LayerShape& input, Layer* layer) {
  const bool yolo = layer->kind == LayerKind::kYolo;
  DOTORI_ASSIGN_OR_RETURN(layer->classes, section.integer("classes", 20, 1, 65536));
  DOTORI_ASSIGN_OR_RETURN(const int count, section.integer("num", 1, 1, 1024));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<float> all, section.numbers("anchors", 0, kMaxAnchor, 2048));
  if (all.size() != 2 * static_cast<std::size_t>(count))
    return corrupt_model(section.where("anchors") + ": expected " + std::to_string(2 * count) +
                         " numbers (num = " + std::to_string(count) + "), found " + std::to_string(all.size()));
  float unit_w = 1, unit_h = 1;
  std::vector<int> chosen;
  if (yolo) {
    DOTORI_ASSIGN_OR_RETURN(chosen, section.integers("mask", 0, count - 1, 1024));
    DOTORI_ASSIGN_OR_RETURN(layer->scale_x_y, section.number("scale_x_y", 1, 0.1f, 10));
    DOTORI_ASSIGN_OR_RETURN(const int new_coords, section.integer("new_coords", 0, 0, 1));
    layer->new_coords = new_coords != 0;
  } else {
    DOTORI_ASSIGN_OR_RETURN(const int coords, section.integer("coords", 4, 0, 1024));
    DOTORI_ASSIGN_OR_RETURN(const int softmax, section.integer("softmax", 0, 0, 1));
    if (coords != 4) return unsupported(section.where("coords") + ": only 4 is supported");
    if (softmax != 1) return unsupported(section.where("softmax") + ": only 1 is supported");
    if (section.find("tree") != nullptr) return unsupported(section.where("tree") + ": a class hierarchy");
    DOTORI_RETURN_IF_ERROR(refuse_options(section, {"background"}));
    unit_w = static_cast<float>(input.w) / static_cast<float>(layer->in.w);
    unit_h = static_cast<float>(input.h) / static_cast<float>(layer->in.h);
  }
  if (chosen.empty())
    for (int i = 0; i < count; ++i) chosen.push_back(i);
  for (int i : chosen) {
    layer->anchors.push_back(all[2 * static_cast<std::size_t>(i)] * unit_w);
    layer->anchors.push_back(all[2 * static_cast<std::size_t>(i) + 1] * unit_h);
  }
  const std::int64_t expected = static_cast<std::int64_t>(chosen.size()) * (5 + layer->classes);
  if (layer->in.c != expected)
    return corrupt_model(section.where() + ": expected an input of " + std::to_string(expected) + " channels (" +
                         std::to_string(chosen.size()) + " anchors, " + std::to_string(layer->classes) +
                         " classes), found " + std::to_string(layer->in.c));
  layer->out = layer->in;
  return {};
}

struct KindRow {
  const char* name;
  LayerKind kind;
};
constexpr KindRow kKinds[] = {
    {"convolutional", LayerKind::kConvolutional},
    {"conv", LayerKind::kConvolutional},
    {"connected", LayerKind::kConnected},
    {"conn", LayerKind::kConnected},
    {"maxpool", LayerKind::kMaxPool},
    {"max", LayerKind::kMaxPool},
    {"avgpool", LayerKind::kAveragePool},
    {"avg", LayerKind::kAveragePool},
    {"upsample", LayerKind::kUpsample},
    {"route", LayerKind::kRoute},
    {"shortcut", LayerKind::kShortcut},
    {"scale_channels", LayerKind::kScaleChannels},
    {"sam", LayerKind::kMultiply},
    {"reorg", LayerKind::kReorg},
    {"softmax", LayerKind::kSoftmax},
    {"soft", LayerKind::kSoftmax},
    {"yolo", LayerKind::kYolo},
    {"region", LayerKind::kRegion},
    {"dropout", LayerKind::kPass},
    {"cost", LayerKind::kPass},
    {"crop", LayerKind::kCrop},
};

bool find_kind(const std::string& name, LayerKind* kind) {
  for (const KindRow& row : kKinds) {
    if (name != row.name) continue;
    *kind = row.kind;
    return true;
  }
  return false;
}

Status plan_layer(const Section& section, const Network& network, Layer* layer) {
  switch (layer->kind) {
    case LayerKind::kConvolutional: return plan_convolutional(section, layer);
    case LayerKind::kConnected: return plan_connected(section, layer);
    case LayerKind::kMaxPool: return plan_maxpool(section, layer);
    case LayerKind::kUpsample: return plan_upsample(section, layer);
    case LayerKind::kRoute: return plan_route(section, network.layers, layer);
    case LayerKind::kShortcut:
    case LayerKind::kScaleChannels:
    case LayerKind::kMultiply: return plan_combination(section, network.layers, layer);
    case LayerKind::kReorg: return plan_reorg(section, layer);
    case LayerKind::kSoftmax: return plan_softmax(section, layer);
    case LayerKind::kCrop: return plan_crop(section, layer);
    case LayerKind::kYolo:
    case LayerKind::kRegion: return plan_head(section, network.input, layer);
    case LayerKind::kAveragePool: layer->out = {1, 1, layer->in.c}; return {};
    case LayerKind::kPass: layer->out = layer->in; return {};
  }
  return internal_error("a layer kind without a plan");
}

}  // namespace

std::int64_t Layer::weight_count() const noexcept {
  // Every factor is checked alone, so the product may still be beyond 64 bits: saturate at a size no file has.
  constexpr std::int64_t kMost = std::int64_t{1} << 44;
  const auto times = [](std::int64_t a, std::int64_t b) { return a > kMost / b ? kMost : a * b; };
  std::int64_t weights = 0;
  if (kind == LayerKind::kConvolutional) {
    weights = times(times(out.c, in.c / groups), std::int64_t{size} * size);
  } else if (kind == LayerKind::kConnected) {
    weights = times(out.c, in.elements());
  } else {
    return 0;
  }
  return weights + out.c * (batch_normalize ? 4 : 1);
}

std::vector<std::string> known_layers() {
  std::vector<std::string> names;
  for (const KindRow& row : kKinds) names.emplace_back(row.name);
  std::sort(names.begin(), names.end());
  return names;
}

bool is_known_layer(const std::string& name) {
  LayerKind kind = LayerKind::kPass;
  return find_kind(name, &kind);
}

Result<Network> plan_network(const std::vector<Section>& sections) {
  const Section& net = sections.front();
  if (net.name != "net" && net.name != "network")
    return corrupt_model(net.where() + ": the first section must be [net]");
  Network network;
  DOTORI_ASSIGN_OR_RETURN(const int width, net.integer("width", 0, 1, kMaxSide));
  DOTORI_ASSIGN_OR_RETURN(const int height, net.integer("height", 0, 1, kMaxSide));
  DOTORI_ASSIGN_OR_RETURN(const int channels, net.integer("channels", 0, 1, kMaxChannels));
  network.input = {height, width, channels};
  if (width == 0 || height == 0 || channels == 0)
    return corrupt_model(net.where() + ": width, height and channels must be stated");
  DOTORI_RETURN_IF_ERROR(check_shape(net, network.input));
  if (sections.size() < 2) return corrupt_model("the file describes no layers");
  LayerShape in = network.input;
  for (std::size_t i = 1; i < sections.size(); ++i) {
    const Section& section = sections[i];
    Layer layer;
    if (!find_kind(section.name, &layer.kind))
      return unsupported(section.where() + ": this kind of layer is not supported");
    layer.name = std::to_string(section.index) + "_" + section.name;
    layer.in = in;
    DOTORI_RETURN_IF_ERROR(plan_layer(section, network, &layer));
    DOTORI_RETURN_IF_ERROR(check_shape(section, layer.out));
    in = layer.out;
    network.layers.push_back(std::move(layer));
  }
  return network;
}

}  // namespace dotori::convert::darknet
