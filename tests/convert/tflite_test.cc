// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "convert/convert.h"
#include "convert/run_graph.h"
#include "convert/tflite/metadata.h"
#include "convert/tflite/model.h"
#include "convert/tflite_file.h"
#include "graph/verify.h"
#include "support/random.h"

namespace dotori {
namespace {

using testing::byte_field;

using testing::int_field;
using testing::ints_field;
using testing::TfliteFile;

// Operator and options numbers of the schema, written out: the importer's own tables are under test.
enum {
  kAddOp = 0,
  kConvOp = 3,
  kDepthwiseOp = 4,
  kDequantizeOp = 6,
  kFullyConnectedOp = 9,
  kReshapeOp = 22,
  kResizeBilinearOp = 23,
  kCustomOp = 32,
  kPadOp = 34,
  kMeanOp = 40,
  kStridedSliceOp = 45,
  kSplitOp = 49,
  kTransposeConvOp = 67,
  kShapeOp = 77,
  kPackOp = 83,
  kUnpackOp = 88,
  kResizeNearestOp = 97,
  kMirrorPadOp = 100,
  kBatchToSpaceOp = 37,
  kSpaceToBatchOp = 38
};

class TempFile {
 public:
  explicit TempFile(const std::vector<unsigned char>& bytes, const std::string& name = "model.tflite")
      : path_(::testing::TempDir() + std::to_string(getpid()) + "_" + name) {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  ~TempFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<graph::Graph> import(const std::vector<unsigned char>& bytes, const convert::ImportOptions& options = {}) {
  const TempFile file(bytes);
  return convert::import_tflite(file.path(), options);
}

std::string import_error(const TfliteFile& file, StatusCode code = StatusCode::kUnsupported) {
  const auto graph = import(file.bytes());
  EXPECT_FALSE(graph.ok());
  EXPECT_EQ(graph.status().code(), code) << graph.status().message();
  return graph.status().message();
}

template <class Op>
const Op& only(const graph::Graph& graph) {
  const Op* found = nullptr;
  for (const graph::Node& node : graph.nodes())
    if (const Op* op = std::get_if<Op>(&node.op)) found = op;
  EXPECT_NE(found, nullptr) << to_string(graph);
  static const Op none;
  return found == nullptr ? none : *found;
}

// x[1,h,w,c] -> conv (SAME) -> y, with the stated strides.
TfliteFile conv_file(int h, int w, int c, int outputs, int kernel, int stride, int activation = 0) {
  testing::Random random(7);
  TfliteFile file;
  const int x = file.add_tensor("x", {1, h, w, c});
  const int k = file.add_floats("kernel", {outputs, kernel, kernel, c},
                                random.floats(static_cast<std::size_t>(outputs * kernel * kernel * c)));
  const int b = file.add_floats("bias", {outputs}, random.floats(static_cast<std::size_t>(outputs)));
  const int y = file.add_tensor("y", {1, (h + stride - 1) / stride, (w + stride - 1) / stride, outputs});
  file.add_operator(kConvOp, {x, k, b}, {y}, 1,
                    {byte_field(0, 0), int_field(1, stride), int_field(2, stride), byte_field(3, activation)});
  file.inputs = {x};
  file.outputs = {y};
  return file;
}

// One operator on x and constants; returns the imported graph.
graph::Graph one_operator(std::vector<std::int32_t> x_shape, int code, int options_type,
                          std::vector<testing::Field> options, std::vector<std::vector<std::int32_t>> constants,
                          std::vector<int> scalars = {}, int outputs = 1) {
  TfliteFile file;
  std::vector<std::int32_t> inputs = {file.add_tensor("x", std::move(x_shape))};
  for (std::size_t i = 0; i < constants.size(); ++i)
    inputs.push_back(file.add_ints("c" + std::to_string(i), constants[i]));
  for (int s : scalars) inputs.insert(inputs.begin(), file.add_int("axis", s));
  for (int i = 0; i < outputs; ++i) file.outputs.push_back(file.add_tensor("y" + std::to_string(i), {}));
  file.add_operator(code, inputs, file.outputs, options_type, std::move(options));
  file.inputs = {0};
  auto graph = import(file.bytes());
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return graph.ok() ? *graph : graph::Graph();
}

Shape output_shape(const graph::Graph& graph, std::size_t i = 0) {
  return i < graph.outputs.size() ? graph.value(graph.outputs[i]).type.shape : Shape{};
}

std::vector<float> ramp(std::int64_t n) {
  std::vector<float> v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 0.0f);
  return v;
}

TEST(FlatFile, ReadsFieldsAndDefaults) {
  const auto bytes = conv_file(4, 6, 2, 3, 3, 2).bytes();
  const auto model = convert::tflite::read_model(Span<const unsigned char>(bytes));
  ASSERT_TRUE(model.ok()) << model.status().message();
  ASSERT_EQ(model->tensors.size(), 4u);
  EXPECT_EQ(model->tensors[1].name, "kernel");
  EXPECT_EQ(model->tensors[1].shape, (Shape{3, 3, 3, 2}));
  EXPECT_TRUE(model->tensors[1].is_constant());
  EXPECT_FALSE(model->tensors[3].is_constant());
  ASSERT_EQ(model->operators.size(), 1u);
  const convert::tflite::FlatTable options = model->operators[0].options;
  EXPECT_EQ(options.number<std::int32_t>(1), 2);
  EXPECT_EQ(options.number<std::int32_t>(4, 1), 1);  // absent: the default
  EXPECT_EQ(options.number<std::int32_t>(30000, 9), 9);
  EXPECT_FALSE(options.table(40).present());
  EXPECT_TRUE(model->file->ok());
}

TEST(FlatFile, EveryTruncationIsAnErrorOrHarmless) {
  const auto bytes = conv_file(4, 4, 1, 2, 3, 1).bytes();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const std::vector<unsigned char> part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    const auto model = convert::tflite::read_model(Span<const unsigned char>(part));
    if (!model.ok()) {
      EXPECT_FALSE(model.status().message().empty());
    }
  }
}

TEST(FlatFile, EveryDamagedByteIsAnErrorOrAValidGraph) {
  const auto good = conv_file(4, 4, 1, 2, 3, 1).bytes();
  int refused = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const int value : {0x00, 0x7F, 0xFF, good[i] ^ 0x01, good[i] ^ 0x80}) {
      auto bytes = good;
      bytes[i] = static_cast<unsigned char>(value);
      const auto graph = import(bytes);
      if (graph.ok()) {
        EXPECT_TRUE(graph::verify(*graph).ok());
      } else {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, static_cast<int>(good.size()) / 4);
}

TEST(Tflite, ConvolutionComputesTensorFlowsSamePadding) {
  const TfliteFile file = conv_file(4, 6, 2, 3, 3, 2, 3);
  const auto graph = import(file.bytes());
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const auto& conv = only<graph::Conv2d>(*graph);
  EXPECT_EQ(conv.pad_top, 0);
  EXPECT_EQ(conv.pad_bottom, 1);
  EXPECT_EQ(conv.pad_left, 0);
  EXPECT_EQ(conv.pad_right, 1);
  EXPECT_EQ(conv.activation.function, graph::Function::kClip);
  EXPECT_EQ(graph->value(graph->inputs[0]).name, "x");
  EXPECT_EQ(graph->value(graph->outputs[0]).name, "y");
  EXPECT_EQ(graph->source.substr(0, 8), "tflite: ");

  const std::vector<float> x = testing::Random(1).floats(4 * 6 * 2);
  const auto kernel = convert::tflite::FlatNumbers<float>(Span<const unsigned char>(file.tensors[1].data));
  const auto bias = convert::tflite::FlatNumbers<float>(Span<const unsigned char>(file.tensors[2].data));
  const auto outputs = testing::run_graph(*graph, x);
  ASSERT_EQ(outputs.size(), 1u);
  for (int h = 0; h < 2; ++h)
    for (int w = 0; w < 3; ++w)
      for (int o = 0; o < 3; ++o) {
        double sum = bias[static_cast<std::size_t>(o)];
        for (int i = 0; i < 3; ++i)
          for (int j = 0; j < 3; ++j)
            for (int c = 0; c < 2; ++c)
              if (h * 2 + i < 4 && w * 2 + j < 6)
                sum += static_cast<double>(x[static_cast<std::size_t>(((h * 2 + i) * 6 + w * 2 + j) * 2 + c)]) *
                       kernel[static_cast<std::size_t>(((o * 3 + i) * 3 + j) * 2 + c)];
        EXPECT_NEAR(outputs[0][static_cast<std::size_t>((h * 3 + w) * 3 + o)], std::min(std::max(sum, 0.0), 6.0), 1e-5);
      }
}

TEST(Tflite, DepthwiseWeightsBecomeOneFilterAChannel) {
  TfliteFile file;
  const int x = file.add_tensor("x", {1, 5, 5, 2});
  const int k = file.add_floats("kernel", {1, 2, 3, 4}, ramp(24));
  const int y = file.add_tensor("y", {1, 4, 3, 4});
  file.add_operator(kDepthwiseOp, {x, k, -1}, {y}, 2,
                    {byte_field(0, 1), int_field(1, 1), int_field(2, 1), int_field(3, 2), byte_field(4, 1)});
  file.inputs = {x};
  file.outputs = {y};
  const auto graph = import(file.bytes());
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(only<graph::Conv2d>(*graph).groups, 2);
  EXPECT_EQ(output_shape(*graph), (Shape{1, 4, 3, 4}));
  const graph::Value& weights = graph->value(graph->nodes()[0].inputs[1]);
  EXPECT_EQ(weights.type.shape, (Shape{4, 2, 3, 1}));
  const float* elements = static_cast<const float*>(weights.constant.data);
  for (int o = 0; o < 4; ++o)
    for (int t = 0; t < 6; ++t) EXPECT_EQ(elements[o * 6 + t], static_cast<float>(t * 4 + o));
}

// MediaPipe's custom operator: the same convolution with a bias, its options three plain int32.
TEST(Tflite, TransposedConvolutionWithBias) {
  const auto make = [](std::int32_t padding, std::vector<std::int32_t> out) {
    TfliteFile file;
    const int x = file.add_tensor("x", {1, 3, 5, 2});
    const int k = file.add_floats("k", {4, 3, 3, 2}, std::vector<float>(72, 0.5f));
    const int b = file.add_floats("b", {4}, {1, 2, 3, 4});
    const int y = file.add_tensor("y", std::move(out));
    file.add_operator(32, {x, k, b}, {y});
    file.operators[0].custom = "Convolution2DTransposeBias";
    file.operators[0].custom_options = testing::bytes_of(std::vector<std::int32_t>{padding, 2, 2});
    file.inputs = {x};
    file.outputs = {y};
    return file;
  };
  const auto same = import(make(1, {1, 6, 10, 4}).bytes());
  ASSERT_TRUE(same.ok()) << same.status().message();
  EXPECT_EQ(same->value(same->outputs[0]).type.shape, Shape({1, 6, 10, 4}));
  const auto& node = only<graph::ConvTranspose2d>(*same);
  EXPECT_EQ(node.stride_h, 2);
  EXPECT_EQ(node.pad_top + node.pad_bottom, 1);
  const auto valid = import(make(2, {1, 7, 11, 4}).bytes());
  ASSERT_TRUE(valid.ok()) << valid.status().message();
  EXPECT_EQ(valid->value(valid->outputs[0]).type.shape, Shape({1, 7, 11, 4}));
  const auto refusal = [](const TfliteFile& file) { return import(file.bytes()).status(); };
  const Status padding = refusal(make(3, {1, 6, 10, 4}));
  EXPECT_NE(padding.message().find("padding must be in [1, 2], found 3"), std::string::npos) << padding.message();
  TfliteFile cut = make(1, {1, 6, 10, 4});
  cut.operators[0].custom_options.resize(11);
  const Status options = refusal(cut);
  EXPECT_EQ(options.code(), StatusCode::kCorruptModel);
  EXPECT_NE(options.message().find("at least 12 bytes, found 11"), std::string::npos) << options.message();
}

TEST(Tflite, TransposedConvolutionCutsAndExtends) {
  struct Case {
    int padding, out, before, after, extra;
  };
  // in 3, kernel 3, stride 2: 7 pixels uncut.
  for (const Case& c : {Case{0, 6, 0, 1, 0}, Case{0, 5, 1, 1, 0}, Case{1, 7, 0, 0, 0}, Case{1, 8, 0, 0, 1}}) {
    TfliteFile file;
    const int x = file.add_tensor("x", {1, 3, 3, 2});
    const int shape = file.add_ints("shape", {1, c.out, c.out, 1});
    const int k = file.add_floats("kernel", {1, 3, 3, 2}, ramp(18));
    const int y = file.add_tensor("y", {});
    file.add_operator(kTransposeConvOp, {shape, k, x}, {y}, 49,
                      {byte_field(0, c.padding), int_field(1, 2), int_field(2, 2)});
    file.inputs = {x};
    file.outputs = {y};
    const auto graph = import(file.bytes());
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    const auto& node = only<graph::ConvTranspose2d>(*graph);
    EXPECT_EQ(node.pad_top, c.before);
    EXPECT_EQ(node.pad_bottom, c.after);
    EXPECT_EQ(node.output_pad_w, c.extra);
    EXPECT_EQ(output_shape(*graph), (Shape{1, c.out, c.out, 1}));
  }
}

TEST(Tflite, FullyConnectedTakesRows) {
  TfliteFile file;
  const int x = file.add_tensor("x", {1, 2, 1, 3});
  const int w = file.add_floats("weights", {2, 6}, ramp(12));
  const int y = file.add_tensor("y", {1, 2});
  file.add_operator(kFullyConnectedOp, {x, w}, {y}, 8, {byte_field(0, 0)});
  file.inputs = {x};
  file.outputs = {y};
  const auto graph = import(file.bytes());
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(testing::run_graph(*graph, {1, 0, 0, 0, 0, 2}), (std::vector<std::vector<float>>{{10, 28}}));
}

TEST(Tflite, ShapesSlicesAndReductions) {
  EXPECT_EQ(output_shape(one_operator({2, 3, 4}, kReshapeOp, 17, {}, {{-1, 6}})), (Shape{4, 6}));
  EXPECT_EQ(output_shape(one_operator({2, 3, 4}, kReshapeOp, 17, {ints_field(0, {3, -1})}, {})), (Shape{3, 8}));
  EXPECT_EQ(output_shape(one_operator({1, 4, 5, 3}, kMeanOp, 27, {byte_field(0, 0)}, {{-2, 1}})), (Shape{1, 3}));
  EXPECT_EQ(output_shape(one_operator({1, 4, 5, 3}, kPadOp, 22, {}, {{0, 0, 1, 2, 0, 0, 0, 0}})), (Shape{1, 7, 5, 3}));
  EXPECT_EQ(only<graph::Pad>(one_operator({3, 3}, kMirrorPadOp, 77, {byte_field(0, 1)}, {{1, 1, 0, 0}})).mode,
            graph::PadMode::kSymmetric);
  const auto split = one_operator({6, 2}, kSplitOp, 35, {int_field(0, 3)}, {}, {-2}, 3);
  EXPECT_EQ(output_shape(split, 2), (Shape{2, 2}));
  EXPECT_EQ(testing::run_graph(split, ramp(12))[2], (std::vector<float>{8, 9, 10, 11}));
  const auto unpack = one_operator({2, 3}, kUnpackOp, 64, {int_field(0, 3), int_field(1, 1)}, {}, {}, 3);
  EXPECT_EQ(testing::run_graph(unpack, ramp(6))[1], (std::vector<float>{1, 4}));
  EXPECT_EQ(output_shape(unpack, 1), (Shape{2}));
}

// Numbers by hand: [1,2,2,1] in blocks of 2 x 2 is a batch of its four pixels.
TEST(Tflite, SpaceToBatchAndBack) {
  const auto to_batch = one_operator({1, 1, 3, 1}, kSpaceToBatchOp, 0, {}, {{2, 2}, {1, 0, 0, 1}});
  EXPECT_EQ(output_shape(to_batch), (Shape{4, 1, 2, 1}));
  EXPECT_EQ(testing::run_graph(to_batch, {1, 2, 3})[0], (std::vector<float>{0, 0, 0, 0, 1, 3, 2, 0}));
  const auto to_space = one_operator({4, 1, 2, 1}, kBatchToSpaceOp, 0, {}, {{2, 2}, {1, 0, 0, 1}});
  EXPECT_EQ(output_shape(to_space), (Shape{1, 1, 3, 1}));
  EXPECT_EQ(testing::run_graph(to_space, {0, 0, 0, 0, 1, 3, 2, 0})[0], (std::vector<float>{1, 2, 3}));
}

TEST(Tflite, SumsOfManyAndUnitLength) {
  const auto graph = one_operator({2, 2}, 11, 12, {byte_field(0, 0)}, {});  // L2_NORMALIZATION
  EXPECT_EQ(testing::run_graph(graph, {3, 4, 0, 0})[0], (std::vector<float>{0.6f, 0.8f, 0, 0}));
  TfliteFile file;
  const int x = file.add_tensor("x", {3}), y = file.add_tensor("y", {3});
  file.add_operator(106, {x, x, x}, {y});
  file.inputs = {x};
  file.outputs = {y};
  const auto sum = import(file.bytes());
  ASSERT_TRUE(sum.ok()) << sum.status().message();
  EXPECT_EQ(testing::run_graph(*sum, {1, 2, 3})[0], (std::vector<float>{3, 6, 9}));
}

TEST(Tflite, StridedSliceMasks) {
  // x[-2:, ::-1, 1] of a [3,3,2] ramp.
  const auto graph =
      one_operator({3, 3, 2}, kStridedSliceOp, 32,
                   {int_field(0, 0b010), int_field(1, 0b011), int_field(2, 0), int_field(3, 0), int_field(4, 0b100)},
                   {{-2, 0, 1}, {0, 0, 2}, {1, -1, 1}});
  EXPECT_EQ(output_shape(graph), (Shape{2, 3}));
  EXPECT_EQ(testing::run_graph(graph, ramp(18))[0], (std::vector<float>{11, 9, 7, 17, 15, 13}));
}

TEST(Tflite, ResizeRules) {
  using graph::CoordinateRule;
  const auto rule = [](int code, int type, int align_field, bool align, bool half) {
    return only<graph::Resize2d>(one_operator(
        {1, 2, 2, 1}, code, type, {byte_field(align_field, align), byte_field(align_field + 1, half)}, {{4, 5}}));
  };
  EXPECT_EQ(rule(kResizeBilinearOp, 15, 2, false, false).coordinates, CoordinateRule::kAsymmetric);
  EXPECT_EQ(rule(kResizeBilinearOp, 15, 2, true, false).coordinates, CoordinateRule::kAlignCorners);
  EXPECT_EQ(rule(kResizeBilinearOp, 15, 2, false, true).coordinates, CoordinateRule::kHalfPixel);
  const auto nearest = rule(kResizeNearestOp, 74, 0, false, true);
  EXPECT_EQ(nearest.coordinates, CoordinateRule::kTfHalfPixelForNn);
  EXPECT_EQ(nearest.nearest, graph::NearestRule::kFloor);
  EXPECT_EQ(nearest.out_h, 4);
  EXPECT_EQ(nearest.out_w, 5);
  EXPECT_EQ(rule(kResizeNearestOp, 74, 0, true, false).nearest, graph::NearestRule::kRoundPreferCeil);
}

TEST(Tflite, HalfPrecisionAndScaledConstantsBecomeFloat) {
  TfliteFile file;
  const int x = file.add_tensor("x", {1, 5});
  const int half = file.add_tensor("half", {5}, 1);
  file.tensors.back().data = testing::bytes_of(std::vector<std::uint16_t>{0x3C00, 0xC000, 0x0200, 0x7BFF, 0x8000});
  const int byte = file.add_tensor("byte", {1}, 9);
  file.tensors.back().data = {0xFE};
  file.tensors.back().scales = {0.5f};  // zero point 3: (-2 - 3) / 2
  const int half_float = file.add_tensor("half_float", {5});
  const int byte_float = file.add_tensor("byte_float", {1});
  const int sum = file.add_tensor("sum", {1, 5});
  const int y = file.add_tensor("y", {1, 5});
  file.add_operator(kDequantizeOp, {half}, {half_float});
  file.add_operator(kDequantizeOp, {byte}, {byte_float});
  file.add_operator(kAddOp, {x, half_float}, {sum}, 11, {byte_field(0, 0)});
  file.add_operator(kAddOp, {sum, byte_float}, {y}, 11, {byte_field(0, 0)});
  file.inputs = {x};
  file.outputs = {y};
  const auto graph = import(file.bytes());
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const auto outputs = testing::run_graph(*graph, {0, 0, 2.5f, 0, 2.5f});
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0], (std::vector<float>{-1.5f, -4.5f, 3.0517578e-5f, 65501.5f, 0}));
}

TEST(Tflite, ShapeArithmeticIsFolded) {
  // reshape(x, pack(shape(x)[0], 6)): how files with a dynamic batch flatten.
  TfliteFile file;
  const int x = file.add_tensor("x", {1, 2, 3});
  file.tensors.back().signature = {-1, 2, 3};
  const int shape = file.add_tensor("shape", {3}, 2);
  const int zero = file.add_ints("zero", {0}), one = file.add_ints("one", {1}), six = file.add_int("six", 6);
  const int batch = file.add_tensor("batch", {}, 2);
  const int packed = file.add_tensor("packed", {2}, 2);
  const int y = file.add_tensor("y", {1, 6});
  file.add_operator(kShapeOp, {x}, {shape}, 55, {byte_field(0, 2)});
  file.add_operator(kStridedSliceOp, {shape, zero, one, one}, {batch}, 32,
                    {int_field(0, 0), int_field(1, 0), int_field(2, 0), int_field(3, 0), int_field(4, 1)});
  file.add_operator(kPackOp, {batch, six}, {packed}, 59, {int_field(0, 2), int_field(1, 0)});
  file.add_operator(kReshapeOp, {x, packed}, {y}, 17);
  file.inputs = {x};
  file.outputs = {y};
  auto graph = import(file.bytes());
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(graph->nodes().size(), 1u);
  EXPECT_EQ(output_shape(*graph), (Shape{1, 6}));
  convert::ImportOptions options;
  options.input_shapes["x"] = {4, 2, 3};
  graph = import(file.bytes(), options);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(output_shape(*graph), (Shape{4, 6}));
  options.input_shapes["z"] = {1};
  EXPECT_NE(import(file.bytes(), options).status().message().find("'z'"), std::string::npos);
}

TEST(Tflite, RefusalsNameTheCause) {
  TfliteFile file = conv_file(4, 4, 1, 2, 3, 1);
  file.tensors[0].type = 3;
  file.tensors[0].scales = {0.1f};
  EXPECT_NE(import_error(file).find("the weights (tensor 'kernel', float32) must be an int8 or uint8 constant"),
            std::string::npos);

  file = conv_file(4, 4, 1, 2, 3, 1);
  file.tensors[1].type = 7;
  file.tensors[1].scales = {0.1f};
  file.tensors[1].data.resize(36);
  std::string message = import_error(file);
  EXPECT_NE(message.find("'kernel', int16"), std::string::npos) << message;
  EXPECT_NE(message.find("operator 0 CONV_2D 'y'"), std::string::npos) << message;
  EXPECT_NE(message.find("[2,3,3,1]"), std::string::npos) << message;

  file = conv_file(4, 4, 1, 2, 3, 1);
  file.operators[0].code = kCustomOp;
  file.operators[0].custom = "NewestOperator";
  EXPECT_NE(import_error(file).find("custom operator 'NewestOperator'"), std::string::npos);
  file.operators[0].code = 16;
  EXPECT_NE(import_error(file).find("LSTM"), std::string::npos);
  file.operators[0].code = 161;
  EXPECT_NE(import_error(file).find("RIGHT_SHIFT"), std::string::npos);
  file.operators[0].code = 4711;
  EXPECT_NE(import_error(file).find("operator code 4711"), std::string::npos);

  file = conv_file(4, 4, 1, 2, 3, 1);
  file.version = 4;
  EXPECT_NE(import_error(file).find("schema version 4"), std::string::npos);
  file.version = 3;
  file.subgraphs = 2;
  EXPECT_NE(import_error(file).find("2 subgraphs"), std::string::npos);
  file.subgraphs = 1;
  file.identifier = "TFL2";
  EXPECT_NE(import_error(file, StatusCode::kCorruptModel).find("TFL3"), std::string::npos);
  file.identifier = "TFL3";
  file.operators[0].options_type = 5;
  EXPECT_NE(import_error(file, StatusCode::kCorruptModel).find("options"), std::string::npos);
  file.operators[0].options_type = 1;
  file.tensors[1].data.pop_back();
  message = import_error(file, StatusCode::kCorruptModel);
  EXPECT_NE(message.find("needs 72 bytes, its buffer has 71"), std::string::npos) << message;
  EXPECT_EQ(convert::import_tflite("/nonexistent.tflite", {}).status().code(), StatusCode::kNotFound);
}

TEST(Tflite, LabelsComeFromTheAppendedArchive) {
  auto bytes = conv_file(4, 4, 1, 2, 3, 1).bytes();
  const std::size_t archive = bytes.size();
  const auto put = [&](std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes.push_back(static_cast<unsigned char>(value >> 8 * i));
  };
  const std::string name = "labelmap.txt", text = "cat\r\ndog\n\n";
  const auto put_text = [&](const std::string& t) { bytes.insert(bytes.end(), t.begin(), t.end()); };
  const auto put_common = [&](std::uint64_t signature, bool central) {
    put(signature, 4);
    if (central) put(20, 2);
    put(20, 2), put(0, 2), put(0, 2), put(0, 4), put(0, 4), put(text.size(), 4), put(text.size(), 4),
        put(name.size(), 2), put(0, 2);
  };
  put_common(0x04034b50, false), put_text(name), put_text(text);
  const std::size_t directory = bytes.size();
  put_common(0x02014b50, true), put(0, 2), put(0, 2), put(0, 2), put(0, 4), put(0, 4), put_text(name);
  const std::size_t size = bytes.size() - directory;
  put(0x06054b50, 4), put(0, 4), put(1, 2), put(1, 2), put(size, 4), put(directory - archive, 4), put(0, 2);
  const auto graph = import(bytes);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(graph->task.labels, (std::vector<std::string>{"cat", "dog"}));
  for (std::size_t i = archive; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] ^= 0xFF;
    convert::tflite::read_labels(Span<const unsigned char>(damaged));  // whatever it says, it must not read outside
  }
}

TEST(Tflite, ZooModelsImport) {
  const char* folder = std::getenv("DOTORI_ZOO");
  const std::string zoo = std::string(folder != nullptr ? folder : DOTORI_DEFAULT_ZOO) + "/models/";
  if (!std::filesystem::exists(zoo)) {
    std::printf("skipped: no model zoo\n");
    return;
  }
  struct Case {
    const char* file;
    Shape output;
  };
  for (const Case& c :
       {Case{"classification/mobilenet_v1_1.0_224.tflite", {1, 1001}},
        Case{"classification/mobilenet_v1_0.25_224_float.tflite", {1, 1001}},
        Case{"classification/mlperftiny_pretrainedResnet.tflite", {1, 10}},
        Case{"classification/mlperftiny_vww_96_float.tflite", {1, 2}},
        Case{"classification/coral_mobilenet_v2_1.0_224_quant.tflite", {1, 1001}},
        Case{"classification/coral_tf2_mobilenet_v2_1.0_224_ptq.tflite", {1, 1001}},
        Case{"detection/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite", {1, 10, 4}},
        Case{"segmentation/prisma-net.tflite", {1, 65536}}, Case{"segmentation/prisma-net_uint8.tflite", {1, 65536}},
        Case{"segmentation/deeplabv3_mnv2_dm05_pascal_quant.tflite", {1, 513, 513}},
        Case{"segmentation/deeplabv3_257_mv2_float.tflite", {1, 257, 257, 21}}}) {
    const auto graph = convert::import_tflite(zoo + c.file, {});
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    EXPECT_EQ(output_shape(*graph), c.output) << c.file;
  }
}

}  // namespace
}  // namespace dotori
