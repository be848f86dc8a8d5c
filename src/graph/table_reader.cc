// SPDX-License-Identifier: Apache-2.0
#include "graph/table_reader.h"

#include <cmath>

#include "graph/file_format.h"

namespace dotori::graph {
namespace {

// Enumerations with one byte underneath hold any stored number; verify() refuses the unknown ones.
template <class E>
E enumerator(std::uint8_t stored) {
  static_assert(sizeof(E) == 1);
  return static_cast<E>(stored);
}

Status read_three(TableReader& reader, const char* what, const flatbuffers::Vector<float>* stored, float* out) {
  std::vector<float> numbers;
  DOTORI_RETURN_IF_ERROR(reader.list(what, stored, &numbers));
  if (numbers.size() != 3) {
    return corrupt_model(std::string(what) + " must have 3 numbers, found " + std::to_string(numbers.size()));
  }
  for (std::size_t c = 0; c < 3; ++c) out[c] = numbers[c];
  return {};
}

Status read_preprocess(TableReader& reader, const stored::Preprocess& stored, Preprocess* out) {
  out->resize = enumerator<ResizeMode>(stored.resize());
  out->crop_fraction = stored.crop_fraction();
  out->pad_value = stored.pad_value();
  out->order = enumerator<ChannelOrder>(stored.order());
  DOTORI_RETURN_IF_ERROR(read_three(reader, "mean", stored.mean(), out->mean));
  DOTORI_RETURN_IF_ERROR(read_three(reader, "scale", stored.scale(), out->scale));
  out->image_max_norm = stored.image_max_norm();
  return {};
}

Status read_detection(TableReader& reader, const stored::Detection& stored, DetectionInfo* out) {
  out->decoder = enumerator<DetectionDecoder>(stored.decoder());
  out->classes = stored.classes();
  if (const auto* scales = stored.scales()) {
    DOTORI_RETURN_IF_ERROR(reader.claim("scales", scales->size(), 2 * sizeof(flatbuffers::uoffset_t)));
    for (const stored::DetectionScale* scale : *scales) {
      DetectionScale s;
      s.output = scale->output();
      s.box_output = scale->box_output();
      s.stride = scale->stride();
      DOTORI_RETURN_IF_ERROR(reader.list("anchors", scale->anchors(), &s.anchors));
      out->scales.push_back(std::move(s));
    }
  }
  out->scale_x_y = stored.scale_x_y();
  out->new_coords = stored.new_coords();
  out->score_threshold = stored.score_threshold();
  out->nms_iou = stored.nms_iou();
  return {};
}

}  // namespace

Status TableReader::claim(const char* what, std::uint64_t count, std::size_t element_bytes) {
  if (count > left_ / element_bytes) {
    return corrupt_model(std::string(what) + " has " + std::to_string(count) +
                         " elements, more than the file can hold");
  }
  left_ -= count * element_bytes;
  return {};
}

Status TableReader::text(const char* what, const flatbuffers::String* stored, std::string* out) {
  if (stored == nullptr) return corrupt_model(std::string(what) + " is missing");
  if (const char* fault = text_fault(stored->c_str(), stored->size()))
    return corrupt_model(std::string(what) + " " + fault);
  // The length field and the final NUL, so that empty texts count too.
  DOTORI_RETURN_IF_ERROR(claim(what, stored->size() + sizeof(flatbuffers::uoffset_t) + 1, 1));
  out->assign(stored->c_str(), stored->size());
  return {};
}

Status TableReader::shape(const char* what, const flatbuffers::Vector<std::int64_t>* stored, Shape* out) {
  *out = Shape();
  if (stored == nullptr) return {};
  if (stored->size() > kMaxRank) {
    return corrupt_model(std::string(what) + " has " + std::to_string(stored->size()) + " axes, at most " +
                         std::to_string(kMaxRank) + " are possible");
  }
  std::vector<std::int64_t> dims;
  DOTORI_RETURN_IF_ERROR(list(what, stored, &dims));
  *out = Shape(Span<const std::int64_t>(dims));
  return {};
}

Status read_task(TableReader& reader, const stored::Task& stored, TaskInfo* out) {
  *out = TaskInfo();
  out->task = enumerator<Task>(stored.task());
  if (const auto* labels = stored.labels()) {
    for (const flatbuffers::String* label : *labels) {
      out->labels.emplace_back();
      DOTORI_RETURN_IF_ERROR(reader.text("a label", label, &out->labels.back()));
    }
  }
  DOTORI_RETURN_IF_ERROR(read_preprocess(reader, *stored.preprocess(), &out->preprocess).with_context("preprocess"));
  out->classification.output = stored.classification()->output();
  out->classification.apply_softmax = stored.classification()->apply_softmax();
  DOTORI_RETURN_IF_ERROR(read_detection(reader, *stored.detection(), &out->detection).with_context("detection"));
  out->segmentation.decoder = enumerator<MaskDecoder>(stored.segmentation()->decoder());
  out->segmentation.output = stored.segmentation()->output();
  out->segmentation.threshold = stored.segmentation()->threshold();
  out->segmentation.min_max_norm = stored.segmentation()->min_max_norm();
  return {};
}

Status read_quantization_report(TableReader& reader, const stored::QuantizationReport& stored,
                                QuantizationReport* out) {
  *out = QuantizationReport();
  DOTORI_RETURN_IF_ERROR(reader.text("the method", stored.method(), &out->method));
  DOTORI_RETURN_IF_ERROR(reader.text("the metric", stored.metric(), &out->metric));
  out->calibration_samples = stored.calibration_samples();
  out->metric_samples = stored.metric_samples();
  out->before = stored.before();
  out->after = stored.after();
  out->max_drop = stored.max_drop();
  out->bytes_before = stored.bytes_before();
  out->bytes_after = stored.bytes_after();
  if (out->method.empty()) return corrupt_model("the method is empty");
  if (out->calibration_samples < 0 || out->metric_samples < 0) return corrupt_model("a number of samples is negative");
  if (!std::isfinite(out->before) || !std::isfinite(out->after) || !std::isfinite(out->max_drop)) {
    return corrupt_model("a figure is not finite");
  }
  if (stored.nodes() == nullptr) return {};
  std::vector<std::uint8_t> bits, ranges;
  std::vector<float> sqnr_db;
  DOTORI_RETURN_IF_ERROR(reader.list("the nodes' bits", stored.bits(), &bits));
  DOTORI_RETURN_IF_ERROR(reader.list("the nodes' noise", stored.sqnr_db(), &sqnr_db));
  DOTORI_RETURN_IF_ERROR(reader.list("the nodes' ranges", stored.ranges(), &ranges));
  const std::size_t count = stored.nodes()->size();
  if (bits.size() != count || sqnr_db.size() != count || ranges.size() != count) {
    return corrupt_model("there are " + std::to_string(count) + " nodes with " + std::to_string(bits.size()) + ", " +
                         std::to_string(sqnr_db.size()) + " and " + std::to_string(ranges.size()) + " figures");
  }
  for (std::size_t i = 0; i < count; ++i) {
    QuantizedNode n;
    DOTORI_RETURN_IF_ERROR(
        reader.text("a node's name", stored.nodes()->Get(static_cast<flatbuffers::uoffset_t>(i)), &n.name));
    n.bits = bits[i];
    n.sqnr_db = sqnr_db[i];
    n.range = enumerator<RangeMethod>(ranges[i]);
    if (!std::isfinite(n.sqnr_db) || n.range >= RangeMethod::kCount) {
      return corrupt_model("the figures of node '" + n.name + "' are damaged");
    }
    out->nodes.push_back(std::move(n));
  }
  return {};
}

Status read_tuning(TableReader& reader, const stored::Tuning& stored, std::size_t nodes, bool newer_minor,
                   Tuning* out) {
  DOTORI_RETURN_IF_ERROR(reader.text("the instruction set", stored.isa(), &out->isa));
  if (out->isa.empty()) return corrupt_model("the instruction set is empty");
  out->threads = stored.threads();
  if (out->threads < 1) return corrupt_model("measured with " + std::to_string(out->threads) + " threads");
  std::vector<std::uint8_t> algorithms, links;
  DOTORI_RETURN_IF_ERROR(reader.list("the algorithms", stored.algorithms(), &algorithms));
  DOTORI_RETURN_IF_ERROR(reader.list("the links", stored.links(), &links));
  if (algorithms.size() != nodes || links.size() != nodes) {
    return corrupt_model(std::to_string(nodes) + " nodes have " + std::to_string(algorithms.size()) +
                         " algorithms and " + std::to_string(links.size()) + " links");
  }
  for (std::size_t n = 0; n < nodes; ++n) {
    const bool known = algorithms[n] < static_cast<int>(Algorithm::kCount) && links[n] < static_cast<int>(Link::kCount);
    if (!known && !newer_minor) {
      return corrupt_model("the choice of node " + std::to_string(n) + ", algorithm " + std::to_string(algorithms[n]) +
                           " and link " + std::to_string(links[n]) + ", is unknown");
    }
    out->nodes.push_back(known ? NodeChoice{enumerator<Algorithm>(algorithms[n]), enumerator<Link>(links[n])}
                               : NodeChoice());
  }
  return {};
}

}  // namespace dotori::graph
