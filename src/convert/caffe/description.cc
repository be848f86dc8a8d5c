// SPDX-License-Identifier: Apache-2.0
#include "convert/caffe/description.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <limits>

#include "graph/reader.h"

namespace dotori::convert::caffe {
namespace {

constexpr std::size_t kMaxDescriptionBytes = std::size_t{16} << 20;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 31;

// Keeps the first complaint; protobuf counts lines and columns from 0.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (!text.empty()) return;
    text = line < 0 ? message
                    : "line " + std::to_string(line + 1) + ", column " + std::to_string(column + 1) + ": " + message;
  }
  std::string text;
};

// The names by which LayerParameter.type calls V1's enumeration; null where there is none.
const char* modern_type(dotori_caffe::V1Type type) {
  switch (type) {
    case dotori_caffe::ABSVAL: return "AbsVal";
    case dotori_caffe::ACCURACY: return "Accuracy";
    case dotori_caffe::ARGMAX: return "ArgMax";
    case dotori_caffe::BNLL: return "BNLL";
    case dotori_caffe::CONCAT: return "Concat";
    case dotori_caffe::CONVOLUTION: return "Convolution";
    case dotori_caffe::DATA: return "Data";
    case dotori_caffe::DECONVOLUTION: return "Deconvolution";
    case dotori_caffe::DROPOUT: return "Dropout";
    case dotori_caffe::ELTWISE: return "Eltwise";
    case dotori_caffe::EUCLIDEAN_LOSS: return "EuclideanLoss";
    case dotori_caffe::EXP: return "Exp";
    case dotori_caffe::FLATTEN: return "Flatten";
    case dotori_caffe::IMAGE_DATA: return "ImageData";
    case dotori_caffe::INNER_PRODUCT: return "InnerProduct";
    case dotori_caffe::LRN: return "LRN";
    case dotori_caffe::POOLING: return "Pooling";
    case dotori_caffe::POWER: return "Power";
    case dotori_caffe::RELU: return "ReLU";
    case dotori_caffe::SIGMOID: return "Sigmoid";
    case dotori_caffe::SIGMOID_CROSS_ENTROPY_LOSS: return "SigmoidCrossEntropyLoss";
    case dotori_caffe::SILENCE: return "Silence";
    case dotori_caffe::SLICE: return "Slice";
    case dotori_caffe::SOFTMAX: return "Softmax";
    case dotori_caffe::SOFTMAX_LOSS: return "SoftmaxWithLoss";
    case dotori_caffe::SPLIT: return "Split";
    case dotori_caffe::TANH: return "TanH";
    case dotori_caffe::V1_NONE: break;
  }
  return "None";
}

dotori_caffe::Layer modernise(const dotori_caffe::V1Layer& old) {
  dotori_caffe::Layer layer;
  layer.set_name(old.name());
  layer.set_type(modern_type(old.type()));
  *layer.mutable_bottom() = old.bottom();
  *layer.mutable_top() = old.top();
  *layer.mutable_include() = old.include();
  *layer.mutable_exclude() = old.exclude();
#define DOTORI_MOVE(field) \
  if (old.has_##field()) *layer.mutable_##field() = old.field()
  DOTORI_MOVE(argmax_param);
  DOTORI_MOVE(concat_param);
  DOTORI_MOVE(convolution_param);
  DOTORI_MOVE(eltwise_param);
  DOTORI_MOVE(exp_param);
  DOTORI_MOVE(inner_product_param);
  DOTORI_MOVE(lrn_param);
  DOTORI_MOVE(pooling_param);
  DOTORI_MOVE(power_param);
  DOTORI_MOVE(relu_param);
  DOTORI_MOVE(slice_param);
  DOTORI_MOVE(softmax_param);
#undef DOTORI_MOVE
  return layer;
}

// Whether a rule asks for what a network that runs is: phase TEST, level 0, no stages.
bool meets(const dotori_caffe::StateRule& rule) {
  return !(rule.has_phase() && rule.phase() != dotori_caffe::TEST) && !(rule.has_min_level() && rule.min_level() > 0) &&
         !(rule.has_max_level() && rule.max_level() < 0) && rule.stage_size() == 0;
}

bool runs(const dotori_caffe::Layer& layer) {
  if (layer.has_phase() && layer.phase() != dotori_caffe::TEST) return false;
  for (const dotori_caffe::StateRule& rule : layer.exclude())
    if (meets(rule)) return false;
  if (layer.include_size() == 0) return true;
  for (const dotori_caffe::StateRule& rule : layer.include())
    if (meets(rule)) return true;
  return false;
}

Result<Blob> read_blob(const dotori_caffe::Blob& stored) {
  Blob blob;
  if (stored.has_shape()) {
    blob.shape.assign(stored.shape().dim().begin(), stored.shape().dim().end());
  } else {
    blob.shape = {stored.num(), stored.channels(), stored.height(), stored.width()};
  }
  std::int64_t elements = 1;
  for (std::int64_t d : blob.shape) {
    if (d < 1 || d > kMaxElements || elements > kMaxElements / d)
      return corrupt_model("a dimension of " + std::to_string(d));
    elements *= d;
  }
  const std::int64_t found = stored.data_size() > 0 ? stored.data_size() : stored.double_data_size();
  if (found != elements)
    return corrupt_model("its shape asks for " + std::to_string(elements) + " numbers, found " + std::to_string(found));
  if (stored.data_size() > 0) {
    blob.data.assign(stored.data().begin(), stored.data().end());
  } else {
    for (double d : stored.double_data()) blob.data.push_back(static_cast<float>(d));
  }
  return blob;
}

template <class Layers>
Status add_blobs(const Layers& layers, Blobs& blobs) {
  for (const auto& layer : layers) {
    if (layer.blobs_size() == 0) continue;
    std::vector<Blob>& mine = blobs[layer.name()];
    if (!mine.empty()) return corrupt_model("two layers are called '" + layer.name() + "'");
    for (int i = 0; i < layer.blobs_size(); ++i) {
      Result<Blob> blob = read_blob(layer.blobs(i));
      if (!blob.ok()) return blob.status().with_context("layer '" + layer.name() + "', blob " + std::to_string(i));
      mine.push_back(std::move(*blob));
    }
  }
  return {};
}

}  // namespace

Result<dotori_caffe::Net> read_description(const std::string& path) {
  DOTORI_ASSIGN_OR_RETURN(const graph::Constant file, graph::read_file(path, kMaxDescriptionBytes));
  dotori_caffe::Net stored;
  google::protobuf::TextFormat::Parser parser;
  FirstError error;
  parser.RecordErrorsTo(&error);
  parser.SetRecursionLimit(32);
  if (!parser.ParseFromString(std::string(static_cast<const char*>(file.data), file.size_bytes), &stored))
    return corrupt_model(path + ": " + (error.text.empty() ? "not a Caffe description" : error.text));
  if (stored.layer_size() > 0 && stored.layers_size() > 0)
    return corrupt_model(path + ": holds both 'layer' and 'layers'; Caffe knows either the one or the other");
  dotori_caffe::Net net = stored;
  net.clear_layer();
  net.clear_layers();
  for (const dotori_caffe::Layer& layer : stored.layer())
    if (runs(layer)) *net.add_layer() = layer;
  for (const dotori_caffe::V1Layer& old : stored.layers()) {
    dotori_caffe::Layer layer = modernise(old);
    if (runs(layer)) *net.add_layer() = std::move(layer);
  }
  if (net.layer_size() == 0) return corrupt_model(path + ": there are no layers that run in phase TEST");
  return net;
}

Result<Blobs> read_weights(const std::string& path) {
  DOTORI_ASSIGN_OR_RETURN(const graph::Constant file, graph::read_file(path));
  if (file.size_bytes > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return unsupported(path + ": " + std::to_string(file.size_bytes) + " bytes; protobuf takes at most 2 GiB");
  dotori_caffe::Weights stored;
  if (!stored.ParseFromArray(file.data, static_cast<int>(file.size_bytes)))
    return corrupt_model(path + ": not a .caffemodel, or cut off");
  if (stored.layer_size() == 0 && stored.layers_size() == 0) return corrupt_model(path + ": holds no layers");
  Blobs blobs;
  Status status = add_blobs(stored.layer(), blobs);
  if (status.ok()) status = add_blobs(stored.layers(), blobs);
  if (!status.ok()) return status.with_context(path);
  return blobs;
}

}  // namespace dotori::convert::caffe
