// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "backends/cpu/cpu_ops.h"
#include "kernels/elementwise/elementwise.h"

namespace dotori::backends::cpu {
namespace {

struct Corners {
  float top, left, bottom, right;
};

// Of two boxes with an area; 0 where one has none.
float intersection_over_union(const Corners& a, const Corners& b) {
  const float area_a = (a.bottom - a.top) * (a.right - a.left), area_b = (b.bottom - b.top) * (b.right - b.left);
  if (!(area_a > 0) || !(area_b > 0)) return 0;
  const float height = std::max(std::min(a.bottom, b.bottom) - std::max(a.top, b.top), 0.0f);
  const float width = std::max(std::min(a.right, b.right) - std::max(a.left, b.left), 0.0f);
  const float both = height * width;
  return both / (area_a + area_b - both);
}

// A box reported: the score decides, then `order`, unique, so that the sequence is the same on every machine.
struct Detection {
  float score;
  std::int32_t order;  // class * anchors + anchor
};
bool better(const Detection& a, const Detection& b) {
  return a.score != b.score ? a.score > b.score : a.order < b.order;
}

struct Buffers {
  Corners* boxes;         // by anchor
  float* sizes;           // exponents of height and width, then their powers
  float* scores;          // one for each anchor
  Detection* candidates;  // one for each anchor
  Detection* kept;        // the best so far; as many as are reported and one class more
};

class PostProcess {
 public:
  PostProcess(const graph::SsdPostProcess& op, std::int32_t anchors, std::int32_t columns, kernels::UnaryF32Fn exp)
      : op_(op), anchors_(anchors), columns_(columns), offset_(columns - op.classes), exp_(exp) {}

  void run(const float* encodings, const float* scores, const float* anchors, const Buffers& b, float* out_boxes,
           float* out_classes, float* out_scores, float* out_count) const {
    const std::size_t slots =
        static_cast<std::size_t>(op_.max_detections) * static_cast<std::size_t>(op_.max_classes_per_detection);
    std::memset(out_boxes, 0, 4 * slots * sizeof(float));
    std::memset(out_classes, 0, slots * sizeof(float));
    std::memset(out_scores, 0, slots * sizeof(float));
    decode(encodings, anchors, b);
    const auto report = [&](std::size_t slot, std::int32_t anchor, std::int32_t class_index, float score) {
      std::memcpy(out_boxes + 4 * slot, b.boxes + anchor, sizeof(Corners));
      out_classes[slot] = static_cast<float>(class_index);
      out_scores[slot] = score;
    };
    const std::int32_t count = op_.regular_suppression ? regular(scores, b, report) : fast(scores, b, report);
    out_count[0] = static_cast<float>(count);
  }

 private:
  void decode(const float* encodings, const float* anchors, const Buffers& b) const {
    for (std::int32_t i = 0; i < anchors_; ++i) {
      b.sizes[2 * i] = encodings[4 * i + 2] / op_.scale_h;
      b.sizes[2 * i + 1] = encodings[4 * i + 3] / op_.scale_w;
    }
    exp_(b.sizes, b.sizes, 2 * static_cast<std::size_t>(anchors_), 0, 0);
    for (std::int32_t i = 0; i < anchors_; ++i) {
      const float* box = encodings + 4 * i;
      const float* anchor = anchors + 4 * i;
      const float y = box[0] / op_.scale_y * anchor[2] + anchor[0];
      const float x = box[1] / op_.scale_x * anchor[3] + anchor[1];
      const float half_height = 0.5f * b.sizes[2 * i] * anchor[2];
      const float half_width = 0.5f * b.sizes[2 * i + 1] * anchor[3];
      b.boxes[i] = {y - half_height, x - half_width, y + half_height, x + half_width};
    }
  }

  // The anchors kept by b.scores, best first, at most `most`, at `kept` (which may be behind others in b.kept). NaN
  // scores fail the threshold.
  std::int32_t suppress(const Buffers& b, std::int32_t class_index, std::int32_t most, Detection* kept) const {
    std::int32_t count = 0;
    for (std::int32_t i = 0; i < anchors_; ++i) {
      if (b.scores[i] >= op_.score_threshold) b.candidates[count++] = {b.scores[i], class_index * anchors_ + i};
    }
    std::sort(b.candidates, b.candidates + count, better);
    std::int32_t kept_count = 0;
    for (std::int32_t i = 0; i < count && kept_count < most; ++i) {
      const Corners& box = b.boxes[b.candidates[i].order % anchors_];
      bool overlaps = false;
      for (std::int32_t k = 0; k < kept_count && !overlaps; ++k) {
        overlaps = intersection_over_union(b.boxes[kept[k].order % anchors_], box) > op_.iou_threshold;
      }
      if (!overlaps) kept[kept_count++] = b.candidates[i];
    }
    return kept_count;
  }

  template <class Report>
  std::int32_t fast(const float* scores, const Buffers& b, const Report& report) const {
    for (std::int32_t i = 0; i < anchors_; ++i) {
      const float* row = scores + i * columns_ + offset_;
      float best = row[0];
      for (std::int32_t c = 1; c < op_.classes; ++c) best = row[c] > best ? row[c] : best;
      b.scores[i] = best;
    }
    const std::int32_t count = suppress(b, 0, op_.max_detections, b.kept);
    const std::int32_t reported = std::min(op_.max_classes_per_detection, op_.classes);
    for (std::int32_t k = 0; k < count; ++k) {
      const std::int32_t anchor = b.kept[k].order;
      const float* row = scores + anchor * columns_ + offset_;
      const std::size_t first = static_cast<std::size_t>(k) * static_cast<std::size_t>(op_.max_classes_per_detection);
      Detection before = {0, -1};  // the class reported last
      for (std::int32_t n = 0; n < reported; ++n) {
        Detection next = {0, -1};
        for (std::int32_t c = 0; c < op_.classes; ++c) {
          const Detection candidate = {row[c], c};
          if (before.order >= 0 && !better(before, candidate)) continue;
          if (next.order < 0 || better(candidate, next)) next = candidate;
        }
        if (next.order < 0) break;  // only NaN scores are left
        report(first + static_cast<std::size_t>(n), anchor, next.order, next.score);
        before = next;
      }
    }
    return count;
  }

  template <class Report>
  std::int32_t regular(const float* scores, const Buffers& b, const Report& report) const {
    std::int32_t total = 0;
    for (std::int32_t c = 0; c < op_.classes; ++c) {
      for (std::int32_t i = 0; i < anchors_; ++i) b.scores[i] = scores[i * columns_ + offset_ + c];
      total += suppress(b, c, op_.detections_per_class, b.kept + total);
      std::sort(b.kept, b.kept + total, better);
      total = std::min(total, op_.max_detections);
    }
    for (std::int32_t k = 0; k < total; ++k) {
      const std::int32_t order = b.kept[k].order;
      report(static_cast<std::size_t>(k), order % anchors_, order / anchors_, b.kept[k].score);
    }
    return total;
  }

  graph::SsdPostProcess op_;
  std::int32_t anchors_, columns_;
  std::int32_t offset_;  // columns before the first class: the background
  kernels::UnaryF32Fn exp_;
};

}  // namespace

// Everything is one thread's work: a few hundred candidates at most pass a useful threshold.
Status compile(const graph::SsdPostProcess& op, CompileContext& context) {
  const std::int64_t anchors = context.input_shape(0)[1], columns = context.input_shape(1)[2];
  if (anchors * columns > INT32_MAX) {
    return unsupported("at most 2^31 scores are supported, found " + std::to_string(anchors * columns));
  }
  const std::size_t n = static_cast<std::size_t>(anchors);
  const std::int32_t per_class = static_cast<std::int32_t>(std::min<std::int64_t>(op.detections_per_class, anchors));
  const std::size_t kept = static_cast<std::size_t>(op.max_detections) + static_cast<std::size_t>(per_class);
  const BufferRef boxes = context.book_scratch(n * sizeof(Corners));
  const BufferRef sizes = context.book_scratch(2 * n * sizeof(float));
  const BufferRef best = context.book_scratch(n * sizeof(float));
  const BufferRef candidates = context.book_scratch(n * sizeof(Detection));
  const BufferRef winners = context.book_scratch(kept * sizeof(Detection));
  const BufferRef encodings = context.input(0), scores = context.input(1), anchor_boxes = context.input(2);
  const BufferRef out[4] = {context.output(0), context.output(1), context.output(2), context.output(3)};
  const PostProcess process(op, static_cast<std::int32_t>(anchors), static_cast<std::int32_t>(columns),
                            kernels::select_unary_f32(kernels::UnaryFunction::kExp, context.isa()).run);
  context.emit("ssd_post_process", 0,
               [process, boxes, sizes, best, candidates, winners, encodings, scores, anchor_boxes, out0 = out[0],
                out1 = out[1], out2 = out[2], out3 = out[3]](const RunContext& run) {
                 const Buffers buffers = {run.write<Corners>(boxes), run.write<float>(sizes), run.write<float>(best),
                                          run.write<Detection>(candidates), run.write<Detection>(winners)};
                 process.run(run.read<float>(encodings), run.read<float>(scores), run.read<float>(anchor_boxes),
                             buffers, run.write<float>(out0), run.write<float>(out1), run.write<float>(out2),
                             run.write<float>(out3));
               });
  return {};
}

}  // namespace dotori::backends::cpu
