// SPDX-License-Identifier: Apache-2.0
// Files that are wrong, or that hold what is not supported, through the whole program: each gives exit code 1, one line
// on stderr that says what and where, and no output file. Run under sanitizers by scripts/test.
#include <functional>

#include "cli/cli_fixture.h"
#include "convert/onnx_maker.h"
#include "convert/tflite_file.h"
#include "dotori_caffe.pb.h"
#include "dotori_tensorflow.pb.h"

namespace dotori::cli {
namespace {

using Words = std::vector<std::string>;
using dotori_onnx::TensorProto;
using testing::OnnxMaker;
using testing::TfliteFile;

struct Refusal {
  std::string name;
  std::vector<std::pair<std::string, std::string>> files;  // name and content
  std::string arguments;                                   // of convert; @ stands for the folder
  Words words;                                             // that the message holds
};

// ---- ONNX: x[1,3,8,8] -> Conv 'first' -> Relu 'second' -> y

OnnxMaker onnx_network() {
  OnnxMaker m(13);
  m.input("x", {1, 3, 8, 8}).random("w", {4, 3, 3, 3});
  m.node("Conv", {"x", "w"}, {"t"}, "first").node("Relu", {"t"}, {"y"}, "second").output("y");
  return m;
}

Refusal onnx(const std::string& name, const OnnxMaker& m, Words words, const std::string& options = "") {
  words.push_back("net.onnx");
  return {"onnx: " + name, {{"net.onnx", m.model().SerializeAsString()}}, "@/net.onnx " + options, std::move(words)};
}

Refusal onnx_bytes(const std::string& name, const std::string& bytes, Words words) {
  words.push_back("net.onnx");
  return {"onnx: " + name, {{"net.onnx", bytes}}, "@/net.onnx", std::move(words)};
}

std::vector<Refusal> onnx_refusals() {
  std::vector<Refusal> list;
  const std::string whole = onnx_network().model().SerializeAsString();
  list.push_back(onnx_bytes("empty file", "", {"empty"}));
  list.push_back(onnx_bytes("text", "this is no network\n", {"not an ONNX file"}));
  list.push_back(onnx_bytes("a GIF", "GIF89a\x01\x02\x03", {"not an ONNX file"}));
  list.push_back(onnx_bytes("cut at half", whole.substr(0, whole.size() / 2), {"truncated"}));
  list.push_back(onnx_bytes("cut at 10 bytes", whole.substr(0, 10), {}));
  const auto changed = [&](const std::string& name, const std::function<void(OnnxMaker&)>& change, Words words,
                           const std::string& options = "") {
    OnnxMaker m = onnx_network();
    change(m);
    list.push_back(onnx(name, m, std::move(words), options));
  };
  const auto node = [](OnnxMaker& m, int i) { return m.graph().mutable_node(i); };
  const auto weights = [](OnnxMaker& m) { return m.graph().mutable_initializer(0); };
  changed("no graph", [](OnnxMaker& m) { m.model().clear_graph(); }, {"no graph"});
  changed("opset 5", [](OnnxMaker& m) { m.model().mutable_opset_import(0)->set_version(5); }, {"opset 5", "7 to 23"});
  changed("opset 99", [](OnnxMaker& m) { m.model().mutable_opset_import(0)->set_version(99); }, {"opset 99"});
  changed("unknown operator", [&](OnnxMaker& m) { node(m, 0)->set_op_type("Convolve"); }, {"'first'", "Convolve"});
  changed("foreign domain", [&](OnnxMaker& m) { node(m, 1)->set_domain("acme"); }, {"'second'", "acme"});
  changed("recurrent", [&](OnnxMaker& m) { node(m, 1)->set_op_type("LSTM"); }, {"'second'", "recurrent"});
  changed("unknown attribute", [&](OnnxMaker& m) { node(m, 0)->add_attribute()->set_name("bend"); },
          {"'first'", "bend"});
  changed("cyclic", [&](OnnxMaker& m) { node(m, 0)->set_input(0, "y"); }, {"cycle"});
  changed("reads nothing", [&](OnnxMaker& m) { node(m, 1)->set_input(0, "gone"); }, {"'second'", "'gone'"});
  changed("written twice", [&](OnnxMaker& m) { node(m, 1)->set_output(0, "t"); }, {"'t'"});
  changed("no weights", [](OnnxMaker& m) { m.graph().clear_initializer(); }, {"'first'", "'w'"});
  changed("short weights", [&](OnnxMaker& m) { weights(m)->mutable_float_data()->RemoveLast(); },
          {"'w'", "needs 108 elements", "107"});
  changed("long raw weights",
          [&](OnnxMaker& m) {
            weights(m)->clear_float_data();
            weights(m)->set_raw_data(std::string(109 * 4, '\0'));
          },
          {"'w'", "needs 432 bytes", "436"});
  changed("negative dimension", [&](OnnxMaker& m) { weights(m)->set_dims(0, -4); }, {"'w'", "-4"});
  changed("huge dimension", [&](OnnxMaker& m) { weights(m)->set_dims(0, std::int64_t{1} << 60); }, {"'w'"});
  changed("strings", [&](OnnxMaker& m) { weights(m)->set_data_type(TensorProto::STRING); }, {"'w'", "element type 8"});
  changed("negative input dimension",
          [](OnnxMaker& m) {
            m.graph()
                .mutable_input(0)
                ->mutable_type()
                ->mutable_tensor_type()
                ->mutable_shape()
                ->mutable_dim(2)
                ->set_dim_value(-8);
          },
          {"'x'"});
  changed("dynamic input",
          [](OnnxMaker& m) {
            m.graph()
                .mutable_input(0)
                ->mutable_type()
                ->mutable_tensor_type()
                ->mutable_shape()
                ->mutable_dim(2)
                ->set_dim_param("h");
          },
          {"'x'", "--input"});
  changed(
      "no such input", [](OnnxMaker&) {}, {"'z'"}, "--input z:1x3x8x8");
  changed(
      "channels differ", [](OnnxMaker&) {}, {"'first'", "[1,5,8,8]"}, "--input x:1x5x8x8");
  changed("groups",
          [&](OnnxMaker& m) {
            auto* a = node(m, 0)->add_attribute();
            a->set_name("group");
            a->set_type(dotori_onnx::AttributeProto::INT);
            a->set_i(2);
          },
          {"'first'", "group"});
  changed("stride 0",
          [&](OnnxMaker& m) {
            auto* a = node(m, 0)->add_attribute();
            a->set_name("strides");
            a->set_type(dotori_onnx::AttributeProto::INTS);
            a->add_ints(0);
            a->add_ints(0);
          },
          {"'first'"});
  changed(
      "window larger than the image", [](OnnxMaker&) {}, {"'first'"}, "--input x:1x3x2x2");
  changed("data outside the folder",
          [&](OnnxMaker& m) {
            weights(m)->clear_float_data();
            weights(m)->set_data_location(TensorProto::EXTERNAL);
            auto* entry = weights(m)->add_external_data();
            entry->set_key("location");
            entry->set_value("../../etc/passwd");
          },
          {"'w'", "../../etc/passwd", "own folder"});
  changed("data missing",
          [&](OnnxMaker& m) {
            weights(m)->clear_float_data();
            weights(m)->set_data_location(TensorProto::EXTERNAL);
            auto* entry = weights(m)->add_external_data();
            entry->set_key("location");
            entry->set_value("net.bin");
          },
          {"'w'", "net.bin", "not beside the model"});
  changed("no output", [](OnnxMaker& m) { m.graph().clear_output(); }, {"output"});
  changed("reshape to another size",
          [](OnnxMaker& m) {
            m.ints("s", {1, 7}).node("Reshape", {"y", "s"}, {"z"}, "third").output("z");
          },
          {"'third'", "[1,7]"});
  changed("computed product",
          [](OnnxMaker& m) {
            m.node("MatMul", {"y", "y"}, {"z"}, "third").output("z");
          },
          {"'third'", "computed"});
  return list;
}

// ---- TFLite: x[1,8,8,3] -> CONV_2D -> y

TfliteFile tflite_network() {
  TfliteFile file;
  const int x = file.add_tensor("x", {1, 8, 8, 3});
  const int w = file.add_floats("kernel", {4, 3, 3, 3}, std::vector<float>(108, 0.5f));
  const int b = file.add_floats("bias", {4}, std::vector<float>(4, 0.1f));
  const int y = file.add_tensor("y", {1, 8, 8, 4});
  file.add_operator(3, {x, w, b}, {y}, 1,
                    {testing::byte_field(0, 0), testing::int_field(1, 1), testing::int_field(2, 1)});
  file.inputs = {x};
  file.outputs = {y};
  return file;
}

std::vector<Refusal> tflite_refusals() {
  std::vector<Refusal> list;
  const auto add = [&](const std::string& name, const std::string& bytes, Words words) {
    words.push_back("net.tflite");
    list.push_back({"tflite: " + name, {{"net.tflite", bytes}}, "@/net.tflite", std::move(words)});
  };
  const auto text = [](const std::vector<unsigned char>& bytes) { return std::string(bytes.begin(), bytes.end()); };
  const std::string whole = text(tflite_network().bytes());
  const auto changed = [&](const std::string& name, const std::function<void(TfliteFile&)>& change, Words words) {
    TfliteFile file = tflite_network();
    change(file);
    add(name, text(file.bytes()), std::move(words));
  };
  add("empty file", "", {"empty"});
  add("text", "no network at all, only words", {});
  add("cut at half", whole.substr(0, whole.size() / 2), {});
  add("cut at 12 bytes", whole.substr(0, 12), {});
  changed("another identifier", [](TfliteFile& f) { f.identifier = "TFL2"; }, {"TFL"});
  changed("version 2", [](TfliteFile& f) { f.version = 2; }, {"2"});
  changed("two subgraphs", [](TfliteFile& f) { f.subgraphs = 2; }, {"2"});
  changed("unknown operator", [](TfliteFile& f) { f.operators[0].code = 16; }, {"LSTM", "'y'"});
  changed("unknown custom operator",
          [](TfliteFile& f) {
            f.operators[0].code = 32;
            f.operators[0].custom = "Sparkle";
          },
          {"Sparkle"});
  changed("tensor number out of range", [](TfliteFile& f) { f.operators[0].inputs[1] = 77; }, {"77"});
  changed("short weights", [](TfliteFile& f) { f.tensors[1].data.resize(100); }, {"kernel"});
  changed("long weights", [](TfliteFile& f) { f.tensors[1].data.resize(500); }, {"kernel"});
  changed("negative dimension", [](TfliteFile& f) { f.tensors[1].shape[0] = -4; }, {"kernel"});
  changed("channels differ", [](TfliteFile& f) { f.tensors[0].shape[3] = 5; }, {"CONV_2D", "'y'", "[1,8,8,5]"});
  changed("int16", [](TfliteFile& f) { f.tensors[0].type = f.tensors[3].type = 7; }, {"int16"});
  changed("dynamic height", [](TfliteFile& f) { f.tensors[0].signature = {1, -1, 8, 3}; }, {"'x'", "--input"});
  changed("weights missing", [](TfliteFile& f) { f.tensors[1].data.clear(); }, {"kernel"});
  changed("stride 0", [](TfliteFile& f) { f.operators[0].options[1].value = 0; }, {"stride_w"});
  return list;
}

// ---- Darknet

constexpr char kCfg[] =
    "[net]\nwidth=8\nheight=8\nchannels=3\n\n[convolutional]\nfilters=4\nsize=3\npad=1\nactivation=leaky\n\n[maxpool]"
    "\nsize=2\nstride=2\n";

std::string darknet_weights(std::size_t floats) {
  std::string bytes(20, '\0');
  bytes[4] = 2;
  return bytes + std::string(floats * 4, '\0');
}

std::vector<Refusal> darknet_refusals() {
  std::vector<Refusal> list;
  const std::string cfg = kCfg;
  const auto add = [&](const std::string& name, const std::string& text, const std::string& weights, Words words) {
    list.push_back({"darknet: " + name,
                    {{"net.cfg", text}, {"net.weights", weights}},
                    "@/net.cfg @/net.weights",
                    std::move(words)});
  };
  const std::string right = darknet_weights(112);
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = cfg;
    return text.replace(text.find(from), from.size(), to);
  };
  add("short weights", cfg, darknet_weights(111), {"net.weights", "468", "464"});
  add("long weights", cfg, darknet_weights(113), {"net.weights", "468", "472"});
  add("weights of a header only", cfg, right.substr(0, 20), {"net.weights"});
  add("empty weights", cfg, "", {"net.weights", "empty"});
  add("empty description", "", right, {"net.cfg"});
  add("binary description", std::string("\x7f\x45\x4c\x46\0\0\0", 7), right, {"net.cfg", "line 1"});
  add("no [net]", cfg.substr(cfg.find("[conv")), right, {"net.cfg", "[net]"});
  add("no width", replaced("width=8\n", ""), right, {"[net]", "width"});
  add("no layers", "[net]\nwidth=8\nheight=8\nchannels=3\n", right, {"no layers"});
  add("unknown section", replaced("[maxpool]", "[lstm]"), right, {"line 12", "[lstm]"});
  add("unknown activation", replaced("leaky", "wobbly"), right, {"activation", "wobbly"});
  add("negative filters", replaced("filters=4", "filters=-4"), right, {"filters", "-4"});
  add("a number that is none", replaced("size=3", "size=three"), right, {"size", "three"});
  add("route ahead", cfg + "[route]\nlayers=7\n", right, {"[route]", "7"});
  add("groups", replaced("pad=1", "pad=1\ngroups=2"), right, {"groups"});
  add("anchors", cfg + "[yolo]\nclasses=2\nnum=3\nmask=0\nanchors=1,2\n", right, {"[yolo]", "anchors"});
  add("a line without a value", replaced("pad=1", "pad"), right, {"line 9"});
  list.push_back({"darknet: no weights", {{"net.cfg", cfg}}, "@/net.cfg", {"net.cfg", "two files"}});
  list.push_back({"darknet: weights not there", {{"net.cfg", cfg}}, "@/net.cfg @/net.weights", {"net.weights"}});
  return list;
}

// ---- Caffe

std::string caffe_text(const std::string& type = "Convolution", const std::string& bottom = "data") {
  return "layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }\n"
         "layer { name: 'first' type: '" +
         type + "' bottom: '" + bottom + "' top: 'first' convolution_param { num_output: 4 kernel_size: 3 } }\n";
}

std::string caffe_weights(int outputs) {
  dotori_caffe::Weights weights;
  auto* layer = weights.add_layer();
  layer->set_name("first");
  auto* w = layer->add_blobs();
  for (int d : {outputs, 3, 3, 3}) w->mutable_shape()->add_dim(d);
  for (int i = 0; i < outputs * 27; ++i) w->add_data(0.1f);
  auto* b = layer->add_blobs();
  b->mutable_shape()->add_dim(outputs);
  for (int i = 0; i < outputs; ++i) b->add_data(0.1f);
  return weights.SerializeAsString();
}

std::vector<Refusal> caffe_refusals() {
  std::vector<Refusal> list;
  const auto add = [&](const std::string& name, const std::string& text, const std::string& weights, Words words) {
    list.push_back({"caffe: " + name,
                    {{"net.prototxt", text}, {"net.caffemodel", weights}},
                    "@/net.prototxt @/net.caffemodel",
                    std::move(words)});
  };
  const std::string right = caffe_weights(4);
  add("weights of another size", caffe_text(), caffe_weights(5), {"'first'"});
  add("weights missing", caffe_text("InnerProduct"), right, {"'first'"});
  add("unknown layer", caffe_text("Wobble"), right, {"'first'", "Wobble"});
  add("bottom missing", caffe_text("Convolution", "gone"), right, {"'first'", "gone"});
  add("description cut", caffe_text().substr(0, 150), right, {"net.prototxt"});
  add("description of other text", "Dear Sir,\n", right, {"net.prototxt"});
  add("weights cut", caffe_text(), right.substr(0, right.size() / 2), {"net.caffemodel"});
  list.push_back({"caffe: no weights", {{"net.prototxt", caffe_text()}}, "@/net.prototxt", {"two files"}});
  return list;
}

// ---- TensorFlow: x -> Conv2D 'first'

dotori_tensorflow::GraphDef tensorflow_network() {
  dotori_tensorflow::GraphDef graph;
  auto* x = graph.add_node();
  x->set_op("Placeholder");
  x->set_name("x");
  (*x->mutable_attr())["dtype"].set_type(1);
  for (int d : {1, 8, 8, 3}) (*x->mutable_attr())["shape"].mutable_shape()->add_dim()->set_size(d);
  auto* w = graph.add_node();
  w->set_op("Const");
  w->set_name("w");
  auto* tensor = (*w->mutable_attr())["value"].mutable_tensor();
  tensor->set_dtype(1);
  for (int d : {3, 3, 3, 4}) tensor->mutable_tensor_shape()->add_dim()->set_size(d);
  for (int i = 0; i < 108; ++i) tensor->add_float_val(static_cast<float>(i));
  auto* conv = graph.add_node();
  conv->set_op("Conv2D");
  conv->set_name("first");
  conv->add_input("x");
  conv->add_input("w");
  for (int s : {1, 1, 1, 1}) (*conv->mutable_attr())["strides"].mutable_list()->add_i(s);
  (*conv->mutable_attr())["padding"].set_s("SAME");
  return graph;
}

std::vector<Refusal> tensorflow_refusals() {
  std::vector<Refusal> list;
  const auto add = [&](const std::string& name, const std::string& bytes, Words words) {
    words.push_back("net.pb");
    list.push_back({"tensorflow: " + name, {{"net.pb", bytes}}, "@/net.pb", std::move(words)});
  };
  const auto changed = [&](const std::string& name, const std::function<void(dotori_tensorflow::GraphDef&)>& change,
                           Words words) {
    dotori_tensorflow::GraphDef graph = tensorflow_network();
    change(graph);
    add(name, graph.SerializeAsString(), std::move(words));
  };
  const std::string whole = tensorflow_network().SerializeAsString();
  add("cut", whole.substr(0, whole.size() / 2), {});
  add("text", "node { name: 'x' }", {});
  changed("unknown operator", [](auto& g) { g.mutable_node(2)->set_op("Wobble"); }, {"'first'", "Wobble"});
  changed("cyclic",
          [](auto& g) {
            g.mutable_node(2)->set_input(0, "second");
            auto* second = g.add_node();
            second->set_op("Relu");
            second->set_name("second");
            second->add_input("first");
            auto* end = g.add_node();
            end->set_op("Relu");
            end->set_name("end");
            end->add_input("second");
          },
          {"its own output"});
  changed("reads nothing", [](auto& g) { g.mutable_node(2)->set_input(0, "gone"); }, {"'first'", "gone"});
  // Fewer are right in this format: the last one stands for the rest.
  changed("more weights than elements",
          [](auto& g) { (*g.mutable_node(1)->mutable_attr())["value"].mutable_tensor()->add_float_val(1); }, {"w"});
  changed("negative dimension",
          [](auto& g) {
            (*g.mutable_node(1)->mutable_attr())["value"]
                .mutable_tensor()
                ->mutable_tensor_shape()
                ->mutable_dim(0)
                ->set_size(-3);
          },
          {"w"});
  changed("training graph", [](auto& g) { g.mutable_node(1)->set_op("VariableV2"); }, {"freeze"});
  return list;
}

// ---- the program's own

std::vector<Refusal> other_refusals() {
  const std::string cfg = kCfg, weights = darknet_weights(112);
  return {{"unknown ending", {{"net.h5", "x"}}, "@/net.h5", {"net.h5", ".onnx"}},
          {"no such file", {}, "@/none.onnx", {"none.onnx", "no such file"}},
          {"a folder", {}, "@ ", {}},
          {"two files of different kinds", {{"a.cfg", cfg}, {"b.onnx", "x"}}, "@/a.cfg @/b.onnx", {"a.cfg", "b.onnx"}},
          {"a preset that is none",
           {{"net.cfg", cfg}, {"net.weights", weights}},
           "@/net.cfg @/net.weights --preset gold",
           {"gold"}},
          {"labels that are not there",
           {{"net.cfg", cfg}, {"net.weights", weights}},
           "@/net.cfg @/net.weights --labels @/none.txt",
           {"none.txt"}}};
}

class Refusals : public Cli {
 protected:
  void expect_all(const std::vector<Refusal>& refusals) {
    for (const Refusal& refusal : refusals) {
      const fs::path folder = dir / "case";
      fs::remove_all(folder);
      fs::create_directory(folder);
      for (const auto& [name, bytes] : refusal.files) std::ofstream(folder / name, std::ios::binary) << bytes;
      std::string arguments = refusal.arguments;
      for (std::size_t at = 0; (at = arguments.find('@')) != std::string::npos;)
        arguments.replace(at, 1, folder.string());
      const Outcome o = run("convert " + arguments + " -o " + path("out.dtr"));
      EXPECT_EQ(o.exit_code, 1) << refusal.name << ": " << o.err;
      EXPECT_EQ(o.out, "") << refusal.name;
      EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << refusal.name << ": " << o.err;
      EXPECT_EQ(o.err.rfind("dotori: ", 0), 0u) << refusal.name << ": " << o.err;
      for (const std::string& word : refusal.words)
        EXPECT_NE(o.err.find(word), std::string::npos) << refusal.name << ": '" << word << "' is not in: " << o.err;
      EXPECT_FALSE(fs::exists(path("out.dtr"))) << refusal.name;
      for (const auto& entry : fs::directory_iterator(dir))
        EXPECT_EQ(entry.path().filename().string().rfind("out.dtr", 0), std::string::npos) << entry.path();
      ++count_;
    }
    std::printf("%d files refused\n", count_);
  }
  int count_ = 0;
};

TEST_F(Refusals, Onnx) {
  expect_all(onnx_refusals());
}
TEST_F(Refusals, Tflite) {
  expect_all(tflite_refusals());
}
TEST_F(Refusals, Darknet) {
  expect_all(darknet_refusals());
}
TEST_F(Refusals, Caffe) {
  expect_all(caffe_refusals());
}
TEST_F(Refusals, Tensorflow) {
  expect_all(tensorflow_refusals());
}
TEST_F(Refusals, Others) {
  expect_all(other_refusals());
}

// An output that cannot be written.
TEST_F(Refusals, NoPlaceForTheModel) {
  const Outcome o = run("convert " + path("net.cfg") + " " + path("net.weights") + " -o " + path("none/net.dtr"));
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_NE(o.err.find("none/net.dtr"), std::string::npos) << o.err;
}

// The neutral model itself.
TEST_F(Refusals, DamagedModels) {
  ASSERT_EQ(run("convert " + path("net.cfg") + " " + path("net.weights") + " -o " + path("net.dtr")).exit_code, 0);
  const std::string whole = slurp(path("net.dtr"));
  const auto expect_refused = [&](const std::string& what, const std::string& bytes) {
    std::ofstream(path("bad.dtr"), std::ios::binary) << bytes;
    const Outcome o = run("run " + path("bad.dtr") + " " + path("green.bmp"));
    EXPECT_EQ(o.exit_code, 1) << what;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << what << ": " << o.err;
    EXPECT_NE(o.err.find("bad.dtr"), std::string::npos) << what << ": " << o.err;
  };
  expect_refused("empty", "");
  for (std::size_t bytes : {std::size_t{4}, std::size_t{40}, whole.size() / 2, whole.size() - 1})
    expect_refused("cut at " + std::to_string(bytes), whole.substr(0, bytes));
  std::string other = whole;
  other[0] = 'X';
  expect_refused("another magic", other);
}

}  // namespace
}  // namespace dotori::cli
