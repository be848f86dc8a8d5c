// SPDX-License-Identifier: Apache-2.0
// Against a plain loop in double precision that follows the description in graph/ops/ssd_post_process.h.
#include <dotori/dotori.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "graph/graph.h"
#include "support/random.h"

namespace dotori {
namespace {

using graph::SsdPostProcess;

struct Problem {
  int anchors = 40, columns = 4;
  std::vector<float> encodings, scores, anchor_boxes;
};

Problem make_problem(int anchors, int columns, std::uint32_t seed) {
  testing::Random random(seed);
  Problem p;
  p.anchors = anchors;
  p.columns = columns;
  p.encodings = random.floats(static_cast<std::size_t>(anchors) * 4, -2, 2);
  p.scores = random.floats(static_cast<std::size_t>(anchors * columns), 0, 1);
  // Few levels, as dequantised scores have: there are ties.
  for (float& s : p.scores) s = std::floor(s * 32) / 32;
  for (int i = 0; i < anchors; ++i) {
    for (float v : {random.uniform(0.2f, 0.8f), random.uniform(0.2f, 0.8f), random.uniform(0.1f, 0.5f),
                    random.uniform(0.1f, 0.5f)}) {
      p.anchor_boxes.push_back(v);
    }
  }
  return p;
}

struct Found {
  double box[4];
  int class_index;
  double score;
};

class Plain {
 public:
  Plain(const SsdPostProcess& op, const Problem& p) : op_(op), p_(p), offset_(p.columns - op.classes) {
    for (int i = 0; i < p.anchors; ++i) {
      const auto at = [&](const std::vector<float>& v, int k) {
        return static_cast<double>(v[static_cast<std::size_t>(4 * i + k)]);
      };
      const double y =
          at(p.encodings, 0) / static_cast<double>(op.scale_y) * at(p.anchor_boxes, 2) + at(p.anchor_boxes, 0);
      const double x =
          at(p.encodings, 1) / static_cast<double>(op.scale_x) * at(p.anchor_boxes, 3) + at(p.anchor_boxes, 1);
      const double h = std::exp(at(p.encodings, 2) / static_cast<double>(op.scale_h)) * at(p.anchor_boxes, 2);
      const double w = std::exp(at(p.encodings, 3) / static_cast<double>(op.scale_w)) * at(p.anchor_boxes, 3);
      boxes_.push_back({y - h / 2, x - w / 2, y + h / 2, x + w / 2});
    }
  }

  std::vector<Found> run() const { return op_.regular_suppression ? regular() : fast(); }

 private:
  double score(int anchor, int c) const {
    return static_cast<double>(p_.scores[static_cast<std::size_t>(anchor * p_.columns + offset_ + c)]);
  }
  double overlap(int a, int b) const {
    const auto &p = boxes_[static_cast<std::size_t>(a)], &q = boxes_[static_cast<std::size_t>(b)];
    const double h = std::max(0.0, std::min(p[2], q[2]) - std::max(p[0], q[0]));
    const double w = std::max(0.0, std::min(p[3], q[3]) - std::max(p[1], q[1]));
    const double areas = (p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1]);
    return h * w / (areas - h * w);
  }
  std::vector<int> suppress(const std::vector<double>& scores, int most) const {
    std::vector<int> order, kept;
    for (int i = 0; i < p_.anchors; ++i) {
      if (scores[static_cast<std::size_t>(i)] >= static_cast<double>(op_.score_threshold)) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
      return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)];
    });
    for (int i : order) {
      const bool free = std::all_of(kept.begin(), kept.end(),
                                    [&](int k) { return overlap(k, i) <= static_cast<double>(op_.iou_threshold); });
      if (free && static_cast<int>(kept.size()) < most) kept.push_back(i);
    }
    return kept;
  }
  Found found(int anchor, int c) const {
    Found f{{}, c, score(anchor, c)};
    std::copy(boxes_[static_cast<std::size_t>(anchor)].begin(), boxes_[static_cast<std::size_t>(anchor)].end(), f.box);
    return f;
  }
  std::vector<Found> fast() const {
    std::vector<double> best;
    for (int i = 0; i < p_.anchors; ++i) {
      double b = score(i, 0);
      for (int c = 1; c < op_.classes; ++c) b = std::max(b, score(i, c));
      best.push_back(b);
    }
    std::vector<Found> all;
    for (int anchor : suppress(best, op_.max_detections)) {
      std::vector<int> classes;
      for (int c = 0; c < op_.classes; ++c) classes.push_back(c);
      std::stable_sort(classes.begin(), classes.end(),
                       [&](int a, int b) { return score(anchor, a) > score(anchor, b); });
      for (int n = 0; n < std::min(op_.max_classes_per_detection, op_.classes); ++n) {
        all.push_back(found(anchor, classes[static_cast<std::size_t>(n)]));
      }
    }
    return all;
  }
  std::vector<Found> regular() const {
    std::vector<Found> all;
    for (int c = 0; c < op_.classes; ++c) {
      std::vector<double> scores;
      for (int i = 0; i < p_.anchors; ++i) scores.push_back(score(i, c));
      for (int anchor : suppress(scores, op_.detections_per_class)) all.push_back(found(anchor, c));
    }
    std::stable_sort(all.begin(), all.end(), [](const Found& a, const Found& b) { return a.score > b.score; });
    if (static_cast<int>(all.size()) > op_.max_detections) all.resize(static_cast<std::size_t>(op_.max_detections));
    return all;
  }

  SsdPostProcess op_;
  const Problem& p_;
  int offset_;
  std::vector<std::vector<double>> boxes_;
};

graph::Graph make_graph(const SsdPostProcess& op, const Problem& p) {
  graph::Graph g;
  const graph::ValueId boxes = g.add_input("boxes", DataType::kFloat32, {1, p.anchors, 4});
  const graph::ValueId scores = g.add_input("scores", DataType::kFloat32, {1, p.anchors, p.columns});
  const graph::ValueId anchors = g.add_constant_f32("anchors", {p.anchors, 4}, p.anchor_boxes);
  const auto outputs = g.add_node_outputs("ssd", op, {boxes, scores, anchors}, 4);
  EXPECT_TRUE(outputs.ok()) << outputs.status().message();
  if (outputs.ok()) g.outputs = *outputs;
  return g;
}

void check(const SsdPostProcess& op, const Problem& p) {
  const Result<Model> model = Model::from_graph(make_graph(op, p));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const std::vector<Found> want = Plain(op, p).run();
  for (BackendKind backend : {BackendKind::kReference, BackendKind::kCpu}) {
    SessionOptions options;
    options.backend = backend;
    Result<Session> session = Session::create(*model, options);
    ASSERT_TRUE(session.ok()) << session.status().message();
    std::memcpy(session->input(0).data, p.encodings.data(), session->input(0).size_bytes);
    std::memcpy(session->input(1).data, p.scores.data(), session->input(1).size_bytes);
    for (int again = 0; again < 2; ++again) {
      ASSERT_TRUE(session->run().ok());
      const std::size_t slots = static_cast<std::size_t>(op.max_detections * op.max_classes_per_detection);
      ASSERT_EQ(session->output(0).shape, (Shape{1, static_cast<std::int64_t>(slots), 4}));
      const std::size_t each =
          op.regular_suppression ? 1 : static_cast<std::size_t>(std::min(op.max_classes_per_detection, op.classes));
      ASSERT_EQ(session->output(3).f32()[0], static_cast<float>(want.size() / each));
      for (std::size_t i = 0; i < slots; ++i) {
        // Boxes have their classes in slots of their own, of which the last may be empty.
        const std::size_t stride = op.regular_suppression ? 1 : static_cast<std::size_t>(op.max_classes_per_detection);
        const std::size_t k = i / stride * each + i % stride;
        const bool used = i % stride < each && k < want.size();
        for (std::size_t j = 0; j < 4; ++j) {
          EXPECT_NEAR(session->output(0).f32()[4 * i + j], used ? want[k].box[j] : 0, 1e-5) << i;
        }
        EXPECT_EQ(session->output(1).f32()[i], used ? static_cast<float>(want[k].class_index) : 0) << i;
        EXPECT_EQ(session->output(2).f32()[i], used ? static_cast<float>(want[k].score) : 0) << i;
      }
    }
  }
}

SsdPostProcess detector() {
  SsdPostProcess op;
  op.classes = 3;
  op.max_detections = 10;
  op.score_threshold = 0.3f;
  op.iou_threshold = 0.5f;
  op.scale_y = op.scale_x = 10;
  op.scale_h = op.scale_w = 5;
  return op;
}

TEST(SsdPostProcess, FastSuppression) {
  for (std::uint32_t seed = 1; seed < 6; ++seed) check(detector(), make_problem(40, 4, seed));
}

TEST(SsdPostProcess, SeveralClassesABox) {
  SsdPostProcess op = detector();
  op.max_classes_per_detection = 2;
  check(op, make_problem(40, 4, 7));
  op.max_classes_per_detection = 5;  // more than there are
  check(op, make_problem(40, 4, 8));
}

TEST(SsdPostProcess, RegularSuppression) {
  SsdPostProcess op = detector();
  op.regular_suppression = true;
  op.detections_per_class = 4;
  for (std::uint32_t seed = 11; seed < 16; ++seed) check(op, make_problem(40, 4, seed));
}

TEST(SsdPostProcess, WithoutBackgroundAndWithoutDetections) {
  check(detector(), make_problem(33, 3, 21));
  SsdPostProcess op = detector();
  op.score_threshold = 2;
  check(op, make_problem(33, 3, 22));
}

TEST(SsdPostProcess, NotANumberIsNoDetection) {
  Problem p = make_problem(20, 4, 31);
  for (std::size_t i = 0; i < p.scores.size(); ++i) p.scores[i] = NAN;
  SsdPostProcess op = detector();
  for (bool regular : {false, true}) {
    op.regular_suppression = regular;
    const Result<Model> model = Model::from_graph(make_graph(op, p));
    ASSERT_TRUE(model.ok());
    Result<Session> session = Session::create(*model);
    ASSERT_TRUE(session.ok());
    std::memcpy(session->input(0).data, p.encodings.data(), session->input(0).size_bytes);
    std::memcpy(session->input(1).data, p.scores.data(), session->input(1).size_bytes);
    ASSERT_TRUE(session->run().ok());
    EXPECT_EQ(session->output(3).f32()[0], 0);
  }
}

TEST(SsdPostProcess, RefusesWhatDoesNotFit) {
  const Problem p = make_problem(20, 4, 41);
  const auto refuse = [&](SsdPostProcess op, const Problem& problem, const char* text) {
    graph::Graph g;
    const graph::ValueId boxes = g.add_input("boxes", DataType::kFloat32, {1, problem.anchors, 4});
    const graph::ValueId scores = g.add_input("scores", DataType::kFloat32, {1, problem.anchors, problem.columns});
    const graph::ValueId anchors = g.add_constant_f32("anchors", {20, 4}, p.anchor_boxes);
    const auto outputs = g.add_node_outputs("ssd", op, {boxes, scores, anchors}, 4);
    ASSERT_FALSE(outputs.ok());
    EXPECT_NE(outputs.status().message().find(text), std::string::npos) << outputs.status().message();
  };
  SsdPostProcess op = detector();
  op.scale_h = 0;
  refuse(op, p, "scale_h");
  op = detector();
  op.iou_threshold = NAN;
  refuse(op, p, "iou_threshold");
  op = detector();
  op.classes = 5;
  refuse(op, p, "scores must be [1,20,5]");
  op = detector();
  op.max_detections = 0;
  refuse(op, p, "max_detections");
  refuse(detector(), make_problem(21, 4, 1), "anchors must be");
}

}  // namespace
}  // namespace dotori
