// SPDX-License-Identifier: Apache-2.0
// Whole evaluations with networks small enough to know their answers.
#include "evaluate/evaluate.h"

#include "evaluate/agreement.h"
#include "evaluate/temporary_folder.h"
#include "graph/graph.h"

namespace dotori::evaluate {
namespace {

constexpr vision::Color kRed{255, 0, 0}, kGreen{0, 255, 0}, kBlue{0, 0, 255};

// A 1x1 convolution over a photo of 4 x 4: `weights` [channels out, 3], with x in 0..1.
graph::Graph convolution(const std::vector<float>& weights, const std::vector<float>& bias) {
  graph::Graph g;
  const std::int64_t channels = static_cast<std::int64_t>(bias.size());
  const graph::ValueId x = g.add_input("x", DataType::kFloat32, {1, 4, 4, 3});
  const graph::ValueId w = g.add_constant_f32("w", {channels, 1, 1, 3}, weights);
  const graph::ValueId b = g.add_constant_f32("b", {channels}, bias);
  const auto y = g.add_node("conv", graph::Conv2d(), {x, w, b});
  EXPECT_TRUE(y.ok());
  g.outputs = {*y};
  return g;
}

Model finish(graph::Graph g) {
  auto model = Model::from_graph(std::move(g));
  EXPECT_TRUE(model.ok()) << model.status().message();
  return *model;
}

// Scores red, green and blue from class `first` on, of `classes`; the rest is 0.
Model classifier(int classes = 3, int first = 0, std::vector<float> strengths = {1, 1, 1}) {
  std::vector<float> weights(static_cast<std::size_t>(3 * classes));
  for (int c = 0; c < 3; ++c)
    weights[static_cast<std::size_t>(3 * (first + c) + c)] = strengths[static_cast<std::size_t>(c)];
  graph::Graph g = convolution(weights, std::vector<float>(static_cast<std::size_t>(classes)));
  graph::Reduce mean;
  mean.axes = {1, 2};
  mean.keep_dims = false;
  const auto y = g.add_node("mean", mean, {g.outputs[0]});
  EXPECT_TRUE(y.ok());
  g.outputs = {*y};
  g.task.task = Task::kClassification;
  return finish(std::move(g));
}

// Class of a pixel: 0 red, 1 green, 2 blue.
Model segmenter(MaskDecoder decoder) {
  graph::Graph g = decoder == MaskDecoder::kArgMax ? convolution({1, 0, 0, 0, 1, 0, 0, 0, 1}, {0, 0, 0})
                                                   : convolution({0, 1, 0}, {0});
  g.task.task = Task::kSegmentation;
  g.task.segmentation.decoder = decoder;
  return finish(std::move(g));
}

// A box of half a cell in each cell; red cells hold class 0, green ones class 1.
Model detector() {
  // x, y: sigmoid(0) = 1/2; w, h: e^0 = 1 times the anchor; objectness and class from the colours.
  std::vector<float> weights(7 * 3);
  weights[4 * 3 + 0] = weights[4 * 3 + 1] = 20;
  weights[5 * 3 + 0] = weights[6 * 3 + 1] = 20;
  graph::Graph g = convolution(weights, {0, 0, 0, 0, -10, -10, -10});
  g.task.task = Task::kDetection;
  g.task.labels = {"berry", "leaf"};
  g.task.detection.decoder = DetectionDecoder::kYolo;
  g.task.detection.classes = 2;
  g.task.detection.scales.emplace_back();
  g.task.detection.scales[0].anchors = {0.5f, 0.5f};
  return finish(std::move(g));
}

class EvaluateTest : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    write_photo("photos/blue.png", 40, 40, kBlue);
    write_photo("photos/green.png", 40, 40, kGreen);
    write_photo("photos/red.png", 40, 40, kRed);
  }
  Dataset labels(const std::string& csv) {
    write("labels.csv", csv);
    auto set = load_labels(path("photos"), path("labels.csv"));
    EXPECT_TRUE(set.ok()) << set.status().message();
    return *set;
  }
  std::vector<std::string> photos() { return *list_photos(path("photos")); }
};

TEST_F(EvaluateTest, Classification) {
  int steps = 0;
  EvaluateOptions options;
  options.progress = [&] { ++steps; };
  const Dataset set = labels("red.png,0\ngreen.png,1\nblue.png,0\n");
  const auto metrics = evaluate(classifier(8), set, options);
  ASSERT_TRUE(metrics.ok()) << metrics.status().message();
  EXPECT_EQ(metrics->photos, 3u);
  EXPECT_EQ(steps, 3);
  EXPECT_NEAR(metrics->classification.top1, 200.0 / 3, 1e-9);
  // Blue's scores: class 2, then equal ones by index: 0 is among the best five.
  EXPECT_NEAR(metrics->classification.top5, 100, 1e-9);
  EXPECT_TRUE(metrics->notes.empty());
  options.limit = 1;
  EXPECT_EQ(evaluate(classifier(8), set, options)->photos, 1u);
  EXPECT_NEAR(evaluate(classifier(8), labels("red.png,7\ngreen.png,1\n"))->classification.top5, 50, 1e-9);
}

TEST_F(EvaluateTest, ABackgroundClassShiftsTheLabels) {
  const Dataset set = labels("red.png,0\ngreen.png,1\nblue.png,2\n");
  const Model model = classifier(1001, 1);
  const auto metrics = evaluate(model, set);
  ASSERT_TRUE(metrics.ok()) << metrics.status().message();
  EXPECT_EQ(metrics->classification.top1, 100);
  ASSERT_EQ(metrics->notes.size(), 1u);
  EXPECT_NE(metrics->notes[0].find("1001"), std::string::npos);
  EvaluateOptions options;
  options.class_offset = 0;
  EXPECT_EQ(evaluate(model, set, options)->classification.top1, 0);
  // A label of 1000 shows that labels count the background.
  EXPECT_EQ(evaluate(model, labels("red.png,1\ngreen.png,1000\n"))->classification.top1, 50);
}

TEST_F(EvaluateTest, Detection) {
  // Two objects where red.png has a box in every cell of 10 x 10: centre (5, 5), sides 5. One is hit; so are none of
  // the leaves; and the best box is a miss for every category but one.
  write("boxes.json", R"({"images": [{"id": 1, "file_name": "red.png"}, {"id": 2, "file_name": "blue.png"}],
    "categories": [{"id": 5, "name": "leaf"}, {"id": 3, "name": "Berry"}, {"id": 8, "name": "acorn"}],
    "annotations": [{"image_id": 1, "category_id": 3, "bbox": [2.5, 2.5, 5, 5]},
                    {"image_id": 2, "category_id": 8, "bbox": [0, 0, 5, 5]}]})");
  const auto set = load_coco(path("photos"), path("boxes.json"));
  ASSERT_TRUE(set.ok()) << set.status().message();
  const auto metrics = evaluate(detector(), *set);
  ASSERT_TRUE(metrics.ok()) << metrics.status().message();
  // All 16 cells score the same; the first is the object: precision 1 at every recall.
  EXPECT_NEAR(metrics->detection.ap, 100, 1e-9);
  ASSERT_EQ(metrics->notes.size(), 1u);
  EXPECT_NE(metrics->notes[0].find("acorn"), std::string::npos);
}

TEST_F(EvaluateTest, Segmentation) {
  write_photo("masks/blue.png", 40, 40, {2, 2, 2});
  write_photo("masks/green.png", 20, 20, {1, 1, 1});
  write_photo("masks/red.png", 40, 40, {1, 1, 1});
  const auto set = load_masks(path("photos"), path("masks"));
  ASSERT_TRUE(set.ok());
  const auto metrics = evaluate(segmenter(MaskDecoder::kArgMax), *set);
  ASSERT_TRUE(metrics.ok()) << metrics.status().message();
  // Class 0: 0 of 1 photo, class 1: 1 of 2, class 2: 1 of 1.
  EXPECT_NEAR(metrics->segmentation.iou, 50, 1e-9);
  EXPECT_NEAR(metrics->segmentation.dice, 100 * (2 / 3.0 + 1) / 2, 1e-9);
  EXPECT_NEAR(metrics->segmentation.pixel_accuracy, 200 / 3.0, 1e-9);
  ASSERT_EQ(metrics->notes.size(), 1u);
  EXPECT_NE(metrics->notes[0].find("scaled"), std::string::npos);
}

TEST_F(EvaluateTest, BinaryMasks) {
  for (const char* photo : {"masks/blue.png", "masks/red.png"}) write_photo(photo, 40, 40, {0, 0, 0});
  write_photo("masks/green.png", 40, 40, {255, 255, 255});
  const auto set = load_masks(path("photos"), path("masks"));
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(evaluate(segmenter(MaskDecoder::kThreshold), *set)->segmentation.iou, 100);
  EvaluateOptions options;
  options.foreground = 1;
  EXPECT_EQ(evaluate(segmenter(MaskDecoder::kArgMax), *set, options)->segmentation.iou, 100);
  options.foreground = 2;
  EXPECT_EQ(evaluate(segmenter(MaskDecoder::kArgMax), *set, options)->segmentation.foreground_iou, 0);
}

TEST_F(EvaluateTest, Refusals) {
  const Dataset set = labels("red.png,0\ngreen.png,9\n");
  Status status = evaluate(segmenter(MaskDecoder::kArgMax), set).status();
  EXPECT_NE(status.message().find("masks"), std::string::npos) << status.message();
  status = evaluate(classifier(), set).status();
  EXPECT_NE(status.message().find("label 9"), std::string::npos) << status.message();
  EXPECT_FALSE(evaluate(classifier(), Dataset()).ok());
  EXPECT_FALSE(evaluate(finish(convolution({1, 1, 1}, {0})), set).ok());
  write("photos/red.png", "no photo any more");
  status = evaluate(classifier(10), set).status();
  EXPECT_NE(status.message().find("red.png"), std::string::npos) << status.message();
}

TEST_F(EvaluateTest, AgreementOfClassifiers) {
  // The second takes red for class 1, because green answers with more than red.
  write_photo("photos/yellow.png", 40, 40, {255, 200, 0});
  std::vector<std::string> seen;
  AgreementOptions options;
  options.each = [&](const vision::Image& photo, const Answer& a, const Answer& b, const PhotoAgreement& one) {
    EXPECT_TRUE(photo.valid());
    EXPECT_EQ(a.top[0].index == b.top[0].index, one.percent == 100);
    seen.push_back(one.photo);
    return Status();
  };
  const auto result = agreement(classifier(), classifier(3, 0, {1, 2, 1}), photos(), options);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(seen, photos());
  EXPECT_EQ(result->percent.count, 4u);
  EXPECT_NEAR(result->percent.mean, 75, 1e-9);
  EXPECT_NEAR(result->percent.variance, 2500, 1e-6);
  EXPECT_NEAR(result->top5, 100, 1e-9);  // of three classes, all are among the best five
  EXPECT_EQ(result->photos[3].percent, 0);
  options.each = [](const auto&...) { return io_error("enough"); };
  EXPECT_EQ(agreement(classifier(), classifier(), photos(), options).status().message(), "enough");
}

TEST_F(EvaluateTest, AgreementOfDetectorsAndSegmenters) {
  const auto boxes = agreement(detector(), detector(), photos());
  ASSERT_TRUE(boxes.ok()) << boxes.status().message();
  EXPECT_EQ(boxes->percent.mean, 100);
  // Class 1 is green for both; the first has a class 2 for blue, the second only 0 and 1.
  const auto masks = agreement(segmenter(MaskDecoder::kArgMax), segmenter(MaskDecoder::kThreshold), photos());
  ASSERT_TRUE(masks.ok()) << masks.status().message();
  EXPECT_NEAR(masks->percent.mean, 200 / 3.0, 1e-9);
  EXPECT_NEAR(masks->iou, 200 / 3.0, 1e-9);
  EXPECT_FALSE(agreement(detector(), classifier(), photos()).ok());
  EXPECT_FALSE(agreement(detector(), detector(), {}).ok());
}

}  // namespace
}  // namespace dotori::evaluate
