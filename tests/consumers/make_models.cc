// SPDX-License-Identifier: Apache-2.0
// make_models FOLDER: two small networks that together hold every operator, f32.dtr and s8.dtr, with an input (.in) and
// what the plain C++ kernels make of it (.out): the bytes of all inputs, of all outputs, in their order. Programs
// linked with a packaged library run them and compare.
#include <cstdio>
#include <set>
#include <string>

#include "graph/writer.h"
#include "models/all_tensors.h"
#include "models/small_unet.h"

namespace dotori {
namespace {

using graph::Function;
using graph::ValueId;

class FloatNetwork {
 public:
  explicit FloatNetwork(const Shape& image) { image_ = g.add_input("image", DataType::kFloat32, image); }

  ValueId add(graph::Op op, std::vector<ValueId> inputs) {
    Result<ValueId> y = g.add_node("", std::move(op), std::move(inputs));
    EXPECT_TRUE(y.ok()) << y.status().message();
    return y.ok() ? *y : image_;
  }
  ValueId constant(const Shape& shape, float low, float high) {
    return g.add_constant_f32("constant", shape, random_.floats(static_cast<std::size_t>(shape.elements()), low, high));
  }
  ValueId conv(ValueId x, int out, int kernel, int stride, Function function, int groups = 1) {
    graph::Conv2d op;
    op.kernel_h = op.kernel_w = kernel;
    op.stride_h = op.stride_w = stride;
    op.pad_top = op.pad_left = op.pad_bottom = op.pad_right = kernel / 2;
    op.groups = groups;
    op.activation = {function, 0, 6};
    const std::int64_t depth = shape(x)[3] / groups;
    const float spread = 1.5f / std::sqrt(static_cast<float>(depth * kernel * kernel));
    return add(op, {x, constant({out, kernel, kernel, depth}, -spread, spread), constant({out}, -0.2f, 0.2f)});
  }
  ValueId unary(ValueId x, Function function, float alpha = 0, float beta = 0) {
    return add(graph::Unary{{function, alpha, beta}}, {x});
  }
  ValueId binary(ValueId a, ValueId b, graph::BinaryFunction function) {
    graph::Binary op;
    op.function = function;
    return add(op, {a, b});
  }
  ValueId reshape(ValueId x, const Shape& to) { return add(graph::Reshape{to}, {x}); }
  const Shape& shape(ValueId x) const { return g.value(x).type.shape; }
  ValueId image() const { return image_; }

  graph::Graph g;

 private:
  ValueId image_;
  testing::Random random_{5};
};

// Anchors in a row, boxes of the same size around each, so that some overlap.
ValueId ssd(FloatNetwork& n, ValueId encodings, ValueId scores) {
  const std::int64_t anchors = n.shape(encodings)[1];
  std::vector<float> elements;
  for (std::int64_t a = 0; a < anchors; ++a) {
    for (float e : {0.5f, static_cast<float>(a) / static_cast<float>(anchors), 0.4f, 0.2f}) elements.push_back(e);
  }
  graph::SsdPostProcess op;
  op.classes = 2;
  op.max_detections = 4;
  op.score_threshold = 0.3f;
  op.scale_y = op.scale_x = 10;
  op.scale_h = op.scale_w = 5;
  Result<std::vector<ValueId>> y =
      n.g.add_node_outputs("ssd", op, {encodings, scores, n.g.add_constant_f32("anchors", {anchors, 4}, elements)}, 4);
  EXPECT_TRUE(y.ok()) << y.status().message();
  return y.ok() ? (*y)[0] : encodings;
}

// The image as a volume, through the operators of a 3-D U-Net.
void add_volume(FloatNetwork& n) {
  const Shape& image = n.shape(n.image());
  const ValueId x = n.reshape(n.image(), {1, image[1] / 2, 2, image[2], image[3]});
  graph::Conv3d conv;
  conv.kernel_d = conv.kernel_h = conv.kernel_w = 3;
  conv.pad_front = conv.pad_back = conv.pad_top = conv.pad_bottom = conv.pad_left = conv.pad_right = 1;
  const ValueId wide = n.add(conv, {x, n.constant({9, 3, 3, 3, image[3]}, -0.2f, 0.2f), n.constant({9}, -0.2f, 0.2f)});
  const ValueId deep = n.add(graph::MaxPool3d{}, {wide});
  graph::ConvTranspose3d up;
  up.kernel_d = up.kernel_h = up.kernel_w = up.stride_d = up.stride_h = up.stride_w = 2;
  n.add(graph::AveragePool3d{}, {n.add(up, {deep, n.constant({8, 2, 2, 2, 9}, -0.3f, 0.3f)})});
}

graph::Graph float_network() {
  FloatNetwork n({1, 14, 10, 4});
  const ValueId stem = n.conv(n.image(), 16, 3, 1, Function::kClip);
  const ValueId deep = n.conv(stem, 16, 3, 2, Function::kSilu, 16);
  const ValueId wide = n.conv(deep, 24, 1, 1, Function::kIdentity);
  ValueId x = n.conv(wide, 24, 3, 1, Function::kHardSwish, 4);
  for (Function f : {Function::kSigmoid, Function::kTanh, Function::kMish, Function::kGelu, Function::kExp})
    x = n.binary(n.unary(x, f), wide, graph::BinaryFunction::kAdd);
  x = n.add(graph::Prelu{}, {x, n.constant({24}, 0, 0.5f)});
  graph::MaxPool2d max_pool;
  max_pool.kernel_h = max_pool.kernel_w = 3;
  max_pool.stride_h = max_pool.stride_w = 1;
  max_pool.pad_top = max_pool.pad_left = max_pool.pad_bottom = max_pool.pad_right = 1;
  const ValueId largest = n.add(max_pool, {x});
  graph::AveragePool2d average;
  const ValueId smooth = n.add(average, {largest});
  graph::ConvTranspose2d up;
  up.kernel_h = up.kernel_w = up.stride_h = up.stride_w = 2;
  const ValueId enlarged = n.add(up, {smooth, n.constant({8, 2, 2, 24}, -0.3f, 0.3f)});
  graph::Resize2d resize;
  resize.filter = graph::ResizeFilter::kBilinear;
  resize.out_h = static_cast<int>(n.shape(wide)[1]);
  resize.out_w = static_cast<int>(n.shape(wide)[2]);
  const ValueId fitted = n.add(resize, {enlarged});
  graph::Concat concat;
  concat.axis = 3;
  const ValueId joined = n.add(concat, {fitted, largest});
  const ValueId blocks = n.add(graph::DepthToSpace{}, {joined});
  n.add(graph::SpaceToDepth{}, {blocks});
  graph::Pad pad;
  pad.mode = graph::PadMode::kReflect;
  pad.before = {0, 1, 2, 0};
  pad.after = {0, 2, 1, 0};
  const ValueId padded = n.add(pad, {blocks});
  graph::Slice slice;
  slice.begin = {0, 1, 0, 0};
  slice.size = {1, 6, 5, 8};
  slice.stride = {1, 2, 2, 1};
  const ValueId part = n.add(slice, {padded});
  const ValueId turned = n.add(graph::Transpose{{0, 3, 1, 2}}, {part});
  graph::Softmax softmax;
  softmax.axis = 3;
  const ValueId weights = n.add(softmax, {turned});
  graph::Reduce mean;
  mean.axes = {2, 3};
  const ValueId means = n.add(mean, {n.binary(weights, turned, graph::BinaryFunction::kMul)});
  const ValueId row = n.reshape(means, {1, 8});
  const ValueId logits = n.add(graph::FullyConnected{}, {row, n.constant({12, 8}, -1, 1), n.constant({12}, -1, 1)});
  graph::ArgMax arg_max;
  arg_max.axis = 1;
  graph::Cast cast;
  cast.to = DataType::kFloat32;
  n.add(cast, {n.add(arg_max, {logits})});
  const std::int64_t order[] = {3, 0, -1, 5};
  Result<ValueId> indices = n.g.add_constant("indices", DataType::kInt64, {4}, order, sizeof order);
  EXPECT_TRUE(indices.ok());
  graph::Gather gather;
  gather.axis = 1;
  n.add(gather, {logits, *indices});
  // Of the image itself: a last bit cannot move these over a step.
  const ValueId bytes = n.add(graph::Quantize{}, {n.image()});
  n.g.value(bytes).quantization = testing::per_tensor(1.0f / 255, -128);
  n.add(graph::Dequantize{}, {bytes});
  slice.begin = {0, 0, 0, 0};
  slice.size = {1, 6, 1, 4};
  slice.stride = {1, 1, 1, 1};
  const ValueId encodings = n.reshape(n.add(slice, {n.image()}), {1, 6, 4});
  slice.size = {1, 6, 1, 2};
  ssd(n, encodings, n.reshape(n.add(slice, {n.image()}), {1, 6, 2}));
  add_volume(n);
  return n.g;
}

// The operators of a MobileNet.
graph::Graph classifier() {
  FloatNetwork n({1, 16, 16, 3});
  const ValueId stem = n.conv(n.image(), 8, 3, 2, Function::kClip);
  const ValueId deep = n.conv(stem, 8, 3, 1, Function::kClip, 8);
  graph::AveragePool2d average;
  average.kernel_h = average.kernel_w = average.stride_h = average.stride_w = 8;
  const ValueId mean = n.add(average, {n.conv(deep, 16, 1, 1, Function::kClip)});
  graph::Softmax softmax;
  softmax.axis = 1;
  n.add(softmax, {n.reshape(n.conv(mean, 10, 1, 1, Function::kIdentity), {1, 10})});
  return n.g;
}

bool write_file(const std::string& path, const std::string& bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return std::fclose(file) == 0 && written;
}

std::string bytes_of(const TensorView& view) {
  return std::string(static_cast<const char*>(view.data), view.size_bytes);
}

Status write_network(const std::string& stem, const graph::Graph& network) {
  const graph::Graph g = testing::with_all_outputs(network);
  DOTORI_ASSIGN_OR_RETURN(const std::vector<unsigned char> file, graph::write_graph(g));
  DOTORI_RETURN_IF_ERROR(graph::write_file_atomically(stem + ".dtr", file));
  DOTORI_ASSIGN_OR_RETURN(const Model model, Model::from_graph(g));
  SessionOptions options;
  options.backend = BackendKind::kReference;
  Result<Session> session = Session::create(model, options);
  if (!session.ok()) return session.status();
  testing::fill_random(*session, 9);
  std::string in, out;
  for (int i = 0; i < session->input_count(); ++i) in += bytes_of(session->input(i));
  DOTORI_RETURN_IF_ERROR(session->run());
  for (int i = 0; i < session->output_count(); ++i) out += bytes_of(session->output(i));
  if (!write_file(stem + ".in", in) || !write_file(stem + ".out", out)) return io_error(stem + ": cannot write");
  return {};
}

// The names of all operators that neither network has.
std::set<std::string> missing_operators(const graph::Graph& a, const graph::Graph& b) {
  std::set<std::string> missing = {
#define DOTORI_OP(type, file) #file,
#include "graph/ops.inc"
#undef DOTORI_OP
  };
  for (const graph::Graph* g : {&a, &b})
    for (const graph::Node& node : g->nodes()) missing.erase(graph::op_name(node.op));
  return missing;
}

int run(const std::string& folder) {
  const graph::Graph f32 = float_network(), s8 = testing::small_unet();
  for (const std::string& name : missing_operators(f32, s8)) {
    std::fprintf(stderr, "make_models: neither network has the operator %s\n", name.c_str());
    return 1;
  }
  for (const Status& status : {write_network(folder + "/f32", f32), write_network(folder + "/s8", s8),
                               write_network(folder + "/classifier", classifier())}) {
    if (status.ok()) continue;
    std::fprintf(stderr, "make_models: %s\n", status.message().c_str());
    return 1;
  }
  return ::testing::Test::HasFailure() ? 1 : 0;
}

}  // namespace
}  // namespace dotori

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: make_models FOLDER\n"), 2;
  return dotori::run(argv[1]);
}
