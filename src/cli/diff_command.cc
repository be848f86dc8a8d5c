// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <cstring>

#include <dotori/vision.h>

#include "cli/backend_option.h"
#include "cli/bench_command.h"
#include "cli/cli.h"
#include "cli/divergence.h"
#include "cli/npz.h"
#include "graph/graph.h"

namespace dotori::cli {
namespace {

using Arrays = std::vector<std::pair<std::string, NpyArray>>;

struct DiffOptions {
  std::string model, reference, photo;
  std::vector<std::string> inputs;
  DivergenceOptions limits;
  BackendKind backend = BackendKind::kCpu;
  int threads = 1, rows = 0;
  bool json = false;
};

bool is_equalised(const Model& model) {
  return model.graph().quantization.method.find("equalised") != std::string::npos;
}

constexpr char kBackendPrefix[] = "backend:", kInputPrefix[] = "input:", kChannelsFirst[] = "layout:nchw";

bool has_ending(const std::string& text, const char* ending) {
  const std::size_t bytes = std::strlen(ending);
  return text.size() >= bytes && text.compare(text.size() - bytes, bytes, ending) == 0;
}

Shape shape_of(const NpyArray& array) {
  return Shape(Span<const std::int64_t>(array.shape.data(), std::min<std::size_t>(array.shape.size(), kMaxRank)));
}

// [N,C,...] -> [N,...,C], elements of 4 bytes.
std::vector<float> channels_last(const NpyArray& array) {
  const auto* from = reinterpret_cast<const float*>(array.bytes.data());
  const std::size_t batch = static_cast<std::size_t>(array.shape[0]),
                    channels = static_cast<std::size_t>(array.shape[1]);
  const std::size_t count = array.bytes.size() / sizeof(float), pixels = count / (batch * channels);
  std::vector<float> to(count);
  for (std::size_t n = 0; n < batch; ++n)
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t p = 0; p < pixels; ++p)
        to[(n * pixels + p) * channels + c] = from[(n * channels + c) * pixels + p];
  return to;
}

Shape channels_last_shape(const Shape& shape) {
  std::vector<std::int64_t> dims(shape.begin(), shape.end());
  std::rotate(dims.begin() + 1, dims.begin() + 2, dims.end());
  return Shape(Span<const std::int64_t>(dims.data(), dims.size()));
}

bool is_channels_first(const Arrays& arrays) {
  return std::any_of(arrays.begin(), arrays.end(), [](const auto& entry) { return entry.first == kChannelsFirst; });
}

// The elements in the order in which a tensor of `shape` is stored here; empty when they do not fit.
std::vector<float> elements_for(const NpyArray& array, const Shape& shape, bool channels_first) {
  if (array.type != DataType::kFloat32 || array.shape.size() > kMaxRank) return {};
  const Shape own = shape_of(array);
  if (channels_first && own.rank() >= 4 && channels_last_shape(own) == shape) return channels_last(array);
  if (own.elements() != shape.elements()) return {};
  const auto* from = reinterpret_cast<const float*>(array.bytes.data());
  return {from, from + own.elements()};
}

Status fill_from_arrays(Session& session, const Arrays& arrays, const std::string& file) {
  for (int i = 0; i < session.input_count(); ++i) {
    const std::string name = session.model().inputs()[static_cast<std::size_t>(i)].name;
    const auto found = std::find_if(arrays.begin(), arrays.end(),
                                    [&](const auto& entry) { return entry.first == kInputPrefix + name; });
    if (found == arrays.end())
      return invalid_argument(file + ": holds no '" + kInputPrefix + name + "', the input that its tensors come from");
    const TensorView view = session.input(i);
    const std::vector<float> elements = elements_for(found->second, view.shape, is_channels_first(arrays));
    if (elements.empty() || view.f32() == nullptr)
      return invalid_argument(file + ": '" + kInputPrefix + name + "' is " + shape_of(found->second).to_string() +
                              ", expected float32 elements for " + view.shape.to_string());
    std::copy(elements.begin(), elements.end(), view.f32());
  }
  return Status();
}

Status fill_from_files(Session& session, const std::vector<std::string>& files) {
  if (static_cast<int>(files.size()) != session.input_count())
    return invalid_argument("--input: " + std::to_string(files.size()) + " files, expected " +
                            std::to_string(session.input_count()));
  for (int i = 0; i < session.input_count(); ++i) {
    const std::string& path = files[static_cast<std::size_t>(i)];
    DOTORI_ASSIGN_OR_RETURN(const NpyArray array, load_npy(path));
    const TensorView view = session.input(i);
    if (array.type != view.type || shape_of(array) != view.shape)
      return invalid_argument(path + ": holds " + data_type_name(array.type) + " " + shape_of(array).to_string() +
                              ", expected " + data_type_name(view.type) + " " + view.shape.to_string());
    std::memcpy(view.data, array.bytes.data(), view.size_bytes);
  }
  return Status();
}

Status fill_from_photo(Session& session, const Preprocess& preprocess, const std::string& path) {
  DOTORI_ASSIGN_OR_RETURN(const vision::Image photo, vision::load_image(path));
  std::vector<TensorView> inputs;
  for (int i = 0; i < session.input_count(); ++i) inputs.push_back(session.input(i));
  return vision::fill_inputs(photo, preprocess, inputs).status().with_context(path);
}

// The arrays as the layers of `a` with the same names.
std::vector<LayerTensor> tensors_from(const Arrays& arrays, const std::vector<LayerTensor>& a) {
  const bool channels_first = is_channels_first(arrays);
  std::vector<LayerTensor> tensors;
  for (const auto& [name, array] : arrays) {
    const auto own = std::find_if(a.begin(), a.end(), [&, n = &name](const LayerTensor& t) { return t.name == *n; });
    if (own == a.end() || array.type != DataType::kFloat32) continue;
    LayerTensor tensor = *own;
    tensor.is_8_bit = false;
    tensor.elements = elements_for(array, own->shape, channels_first);
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

Json json_of(const DiffOptions& o, const Divergence& result) {
  Json json = {{"a", o.model},
               {"b", o.reference},
               {"compared", result.layers.size()},
               {"only_a", result.only_a},
               {"only_b", result.only_b}};
  json["first"] = result.first < 0 ? Json() : Json(result.layers[static_cast<std::size_t>(result.first)].name);
  json["layers"] = Json::array();
  for (const LayerDifference& d : result.layers)
    json["layers"].push_back({{"name", d.name},
                              {"layer", d.layer},
                              {"operator", d.op},
                              {"shape", shape_json(d.shape)},
                              {"largest", d.largest},
                              {"relative", d.relative},
                              {"sqnr_db", d.sqnr_db},
                              {"same_shape", d.same_shape},
                              {"diverges", d.diverges}});
  return json;
}

void print_result(const DiffOptions& o, const Divergence& result) {
  std::printf("%4s  %-40s %-18s %-18s %10s %10s %8s\n", "#", "layer", "operator", "output", "largest", "of maximum",
              "SQNR dB");
  for (std::size_t i = 0; i < result.layers.size(); ++i) {
    const LayerDifference& d = result.layers[i];
    if (o.rows > 0 && static_cast<int>(i) >= o.rows && static_cast<int>(i) != result.first) continue;
    std::printf("%4zu%c %-40.40s %-18s %-18s ", i, d.diverges ? '*' : ' ', d.name.c_str(), d.op.c_str(),
                d.shape.to_string().c_str());
    if (!d.same_shape) std::printf("another shape\n");
    else std::printf("%10.2e %10.2e %8.1f\n", d.largest, d.relative, d.sqnr_db);
  }
  std::printf("%zu layers compared", result.layers.size());
  if (result.only_a + result.only_b > 0)
    std::printf(", %d only in %s, %d only in %s", result.only_a, o.model.c_str(), result.only_b, o.reference.c_str());
  if (result.first < 0) std::printf(": none diverges\n");
  else
    std::printf(": the first that diverges is '%s' (%s)\n",
                result.layers[static_cast<std::size_t>(result.first)].name.c_str(),
                result.layers[static_cast<std::size_t>(result.first)].op.c_str());
}

Result<BackendKind> backend_of(const std::string& reference) {
  const std::string word = reference.substr(sizeof(kBackendPrefix) - 1);
  for (BackendKind kind : {BackendKind::kCpu, BackendKind::kReference, BackendKind::kXnnpack})
    if (word == backend_word(kind)) return kind;
  return invalid_argument(reference + ": expected backend:cpu, backend:reference or backend:xnnpack");
}

Status diff(const DiffOptions& o, bool& same) {
  DOTORI_ASSIGN_OR_RETURN(const Model a, Model::load_file(o.model));
  SessionOptions options;
  options.num_threads = o.threads;
  options.backend = o.backend;
  const auto fill = [&](const TaskInfo& task) {
    return [&](Session& session) -> Status {
      if (!o.photo.empty()) return fill_from_photo(session, task.preprocess, o.photo);
      if (!o.inputs.empty()) return fill_from_files(session, o.inputs);
      fill_inputs(session);
      return Status();
    };
  };
  DivergenceOptions limits = o.limits;
  Divergence result;
  if (has_ending(o.reference, ".npz")) {
    DOTORI_ASSIGN_OR_RETURN(const Arrays arrays, load_npz(o.reference));
    DOTORI_ASSIGN_OR_RETURN(const auto own, layer_tensors(a, options, [&](Session& session) {
                              return fill_from_arrays(session, arrays, o.reference);
                            }));
    limits.any_channel_scale = is_equalised(a);
    result = compare_layers(own, tensors_from(arrays, own), limits);
  } else {
    SessionOptions other = options;
    Model b = a;
    if (o.reference.rfind(kBackendPrefix, 0) == 0) {
      DOTORI_ASSIGN_OR_RETURN(other.backend, backend_of(o.reference));
    } else {
      DOTORI_ASSIGN_OR_RETURN(b, Model::load_file(o.reference));
      for (std::size_t i = 0; i < a.inputs().size() && o.photo.empty(); ++i)
        if (i >= b.inputs().size() || a.inputs()[i].type != b.inputs()[i].type ||
            a.inputs()[i].shape != b.inputs()[i].shape)
          return invalid_argument(o.model + " and " + o.reference +
                                  " take different inputs; compare them on a photo (--photo)");
    }
    limits.any_channel_scale = is_equalised(a) != is_equalised(b);
    DOTORI_ASSIGN_OR_RETURN(const auto own, layer_tensors(a, options, fill(a.task())));
    DOTORI_ASSIGN_OR_RETURN(const auto others, layer_tensors(b, other, fill(b.task())));
    result = compare_layers(own, others, limits);
  }
  if (result.layers.empty())
    return invalid_argument(o.model + " and " + o.reference + " have no layer of the same name");
  same = result.first < 0;
  if (o.json) {
    Json json = json_of(o, result);
    json["any_channel_scale"] = limits.any_channel_scale;
    print_json(json);
    return Status();
  }
  if (limits.any_channel_scale)
    std::printf("8-bit layers are compared up to a factor for each channel: quantisation equalised them\n");
  print_result(o, result);
  return Status();
}

}  // namespace

void add_diff(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("diff", "Layer by layer: where two computations of one network part");
  auto o = std::make_shared<DiffOptions>();
  command->add_option("model", o->model, "MODEL.dtr")->required();
  command
      ->add_option("reference", o->reference,
                   "another .dtr; backend:reference, backend:cpu or backend:xnnpack; or an .npz of tensors")
      ->required();
  CLI::Option* photo = command->add_option("--photo", o->photo, "what both see; otherwise seeded numbers");
  command->add_option("--input", o->inputs, "a .npy file for each input, in order")->excludes(photo);
  command
      ->add_option("--tolerance", o->limits.tolerance,
                   "between float32 networks: largest difference, in parts of the layer's largest number")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--least-db", o->limits.least_db, "when either has 8-bit layers: least signal to noise of a layer")
      ->capture_default_str();
  command->add_option("--rows", o->rows, "layers to print; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--threads", o->threads, "0: one a core")->check(CLI::Range(0, 64))->capture_default_str();
  add_backend_option(*command, o->backend, AutoBackend::kRefused);
  command->add_flag("--json", o->json, "one JSON object on stdout");
  command->footer(
      "Layers are matched by name. The exit code is 0 when no layer diverges, 1 otherwise.\n"
      "Examples:\n"
      "  dotori diff net.dtr net_int8.dtr --photo street.jpg\n"
      "  dotori diff net.dtr backend:reference\n"
      "  scripts/dump-onnx net.onnx -o net.npz && dotori diff net.dtr net.npz");
  command->callback([o, &exit_code] {
    bool same = false;
    const Status status = diff(*o, same);
    exit_code = !status.ok() ? fail(status) : same ? 0 : kExitFailed;
  });
}

}  // namespace dotori::cli
