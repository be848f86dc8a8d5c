// SPDX-License-Identifier: Apache-2.0
// Real networks of the model zoo (DOTORI_ZOO, default ../shared): imported, optimised, written, read back and run; the
// optimised network on the fast kernels against the unoptimised one on the reference kernels. bench/agreement compares
// the same models with independent engines.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <dotori/dotori.h>

#include "backends/backend.h"
#include "convert/convert.h"
#include "graph/passes/passes.h"
#include "graph/writer.h"
#include "support/random.h"

namespace dotori {
namespace {

struct ZooModel {
  const char* name;
  const char* file;     // below models/
  const char* weights;  // Darknet only
};
constexpr ZooModel kModels[] = {
    {"mobilenet_v1_025", "classification/mobilenet_v1_0.25_224_float.tflite", nullptr},
    {"squeezenet", "classification/squeezenet_v1.1_from_ncnn.onnx", nullptr},
    {"mlperf_resnet", "classification/mlperftiny_pretrainedResnet.tflite", nullptr},
    {"mlperf_vww", "classification/mlperftiny_vww_96_float.tflite", nullptr},
    {"yolo_fastest", "detection/yolo-fastest-1.1.cfg", "detection/yolo-fastest-1.1.weights"},
    {"yolox_nano", "detection/yolox_nano.onnx", nullptr},
    {"fastest_det", "detection/FastestDet.onnx", nullptr},
    {"nanodet", "detection/nanodet_m_320.onnx", nullptr},
    {"prisma_onnx", "segmentation/prisma_nchw.onnx", nullptr},
    {"prisma_tflite", "segmentation/prisma-net.tflite", nullptr},
    {"deeplabv3", "segmentation/deeplabv3_257_mv2_float.tflite", nullptr},
    {"axial_unet", "segmentation/multiaxial_axial_model.onnx", nullptr},
};

std::string zoo() {
  const char* folder = std::getenv("DOTORI_ZOO");
  return folder != nullptr ? folder : "../shared";
}

Result<graph::Graph> import(const ZooModel& m) {
  const std::string path = zoo() + "/models/" + m.file;
  if (m.weights != nullptr) return convert::import_darknet(path, zoo() + "/models/" + m.weights, {});
  return path.find(".onnx") != std::string::npos ? convert::import_onnx(path, {}) : convert::import_tflite(path, {});
}

std::vector<std::vector<float>> run(const Model& model, BackendKind backend) {
  SessionOptions options;
  options.backend = backend;
  auto session = Session::create(model, options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  if (!session.ok()) return {};
  testing::Random random(5);
  for (int i = 0; i < session->input_count(); ++i) {
    const TensorView input = session->input(i);
    for (std::int64_t e = 0; e < input.elements(); ++e) input.f32()[e] = random.uniform(0, 1);
  }
  EXPECT_TRUE(session->run().ok());
  std::vector<std::vector<float>> outputs;
  for (int o = 0; o < session->output_count(); ++o) {
    const TensorView out = session->output(o);
    if (out.f32() != nullptr) outputs.emplace_back(out.f32(), out.f32() + out.elements());
  }
  return outputs;
}

class Zoo : public ::testing::TestWithParam<ZooModel> {};

TEST_P(Zoo, OptimisedFastNetworkAgreesWithThePlainReference) {
  if (!std::filesystem::exists(zoo() + "/models")) {
    std::printf("skipped: no model zoo\n");
    return;
  }
  auto plain = import(GetParam());
  ASSERT_TRUE(plain.ok()) << plain.status().message();
  auto plain_model = Model::from_graph(*plain);
  ASSERT_TRUE(plain_model.ok()) << plain_model.status().message();

  graph::Graph optimised = *plain;
  const Status status = graph::optimize(optimised, backends::evaluate_node);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_LE(optimised.nodes().size(), plain->nodes().size());
  auto bytes = graph::write_graph(optimised);
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  auto model = Model::from_memory(*bytes, GetParam().file);
  ASSERT_TRUE(model.ok()) << model.status().message();

  const auto expected = run(*plain_model, BackendKind::kReference);
  const auto found = run(*model, BackendKind::kCpu);
  ASSERT_EQ(expected.size(), found.size());
  for (std::size_t o = 0; o < expected.size(); ++o) {
    ASSERT_EQ(expected[o].size(), found[o].size());
    float largest = 0, difference = 0;
    for (std::size_t i = 0; i < expected[o].size(); ++i) {
      ASSERT_TRUE(std::isfinite(found[o][i]));
      largest = std::max(largest, std::fabs(expected[o][i]));
      difference = std::max(difference, std::fabs(expected[o][i] - found[o][i]));
    }
    EXPECT_LE(difference, 1e-4f * largest) << "output " << o;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Zoo, ::testing::ValuesIn(kModels),
                         [](const auto& i) { return std::string(i.param.name); });

}  // namespace
}  // namespace dotori
