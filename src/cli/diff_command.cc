// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <cstring>

#include <dotori/vision.h>

#include "cli/backend_option.h"
#include "cli/bench_command.h"
#include "cli/child.h"
#include "cli/cli.h"
#include "cli/cores_option.h"
#include "cli/divergence.h"
#include "cli/npz.h"
#include "cli/reference_tensors.h"
#include "graph/graph.h"

namespace dotori::cli {
namespace {

struct DiffOptions {
  std::string model, reference, photo, save;
  std::vector<std::string> inputs;
  DivergenceOptions limits;
  BackendKind backend = BackendKind::kCpu;
  int threads = 1, rows = 0;
  CoreClass cores = CoreClass::kAll;
  std::uint64_t core_mask = 0;
  bool json = false;
};

bool is_equalised(const Model& model) {
  return model.graph().quantization.method.find("equalised") != std::string::npos;
}

constexpr char kBackendPrefix[] = "backend:", kIsaPrefix[] = "isa:";

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

// Whether both are of one family, and `isa` has less.
bool is_below(const std::string& isa, const std::string& own) {
  const std::vector<std::vector<std::string>> families = {{"none", "avx2", "avx512", "avx512_vnni"},
                                                          {"none", "neon", "neon_dot"}};
  return std::any_of(families.begin(), families.end(), [&](const std::vector<std::string>& family) {
    const auto at = std::find(family.begin(), family.end(), own);
    return at != family.end() && std::find(family.begin(), at, isa) != at;
  });
}

// The same model and input in a process that uses no more than the instruction set after "isa:"; its layers in `file`.
Status save_by_isa(const DiffOptions& o, const std::string& file) {
  const std::string isa = o.reference.substr(std::strlen(kIsaPrefix));
  const std::string own = host_isa_name();
  if (!is_below(isa, own))
    return invalid_argument(o.reference + ": not below this machine's instruction set, " + own +
                            " (none is below neon, and that below neon_dot; none below avx2, avx512, avx512_vnni)");
  std::vector<std::string> command = {"/proc/self/exe",
                                      "diff",
                                      o.model,
                                      "--save",
                                      file,
                                      "--threads",
                                      std::to_string(o.threads),
                                      "--cores",
                                      cores_text(o.cores, o.core_mask)};
  if (!o.photo.empty()) command.insert(command.end(), {"--photo", o.photo});
  for (const std::string& input : o.inputs) command.insert(command.end(), {"--input", input});
  DOTORI_ASSIGN_OR_RETURN(const ChildResult child, run_child(command, {{"DOTORI_MAX_ISA", isa}}));
  return child.exit_code == 0 ? Status() : internal_error(o.reference + ": " + child.output);
}

Status diff(const DiffOptions& o, bool& same) {
  DOTORI_ASSIGN_OR_RETURN(const Model a, Model::load_file(o.model));
  SessionOptions options;
  options.num_threads = o.threads;
  options.cores = o.cores;
  options.core_mask = o.core_mask;
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
  if (!o.save.empty()) {
    NamedArrays inputs;
    DOTORI_ASSIGN_OR_RETURN(const auto own, layer_tensors(a, options, [&](Session& session) -> Status {
                              DOTORI_RETURN_IF_ERROR(fill(a.task())(session));
                              inputs = input_arrays(session);
                              return Status();
                            }));
    DOTORI_RETURN_IF_ERROR(save_layers(o.save, std::move(inputs), own));
    same = true;
    if (o.reference.empty()) return Status();
  }
  const bool by_isa = o.reference.rfind(kIsaPrefix, 0) == 0;
  if (by_isa || has_ending(o.reference, ".npz")) {
    DOTORI_ASSIGN_OR_RETURN(const TemporaryFolder folder, TemporaryFolder::create());
    const std::string file = by_isa ? folder.file("layers.npz") : o.reference;
    if (by_isa) DOTORI_RETURN_IF_ERROR(save_by_isa(o, file));
    DOTORI_ASSIGN_OR_RETURN(const NamedArrays arrays, load_npz(file));
    DOTORI_ASSIGN_OR_RETURN(const auto own, layer_tensors(a, options, [&](Session& session) {
                              return fill_from_arrays(session, arrays, file);
                            }));
    limits.any_channel_scale = is_equalised(a) && !by_isa;
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
  command->add_option(
      "reference", o->reference,
      "another .dtr; backend:reference, backend:cpu or backend:xnnpack; isa:none or isa:neon, this model with "
      "fewer instructions; or an .npz of tensors");
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
  command->add_option("--save", o->save,
                      "write every layer's output to this .npz, a reference elsewhere; REFERENCE may be left out");
  command->add_option("--rows", o->rows, "layers to print; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--threads", o->threads, "0: one a core")->check(CLI::Range(0, 64))->capture_default_str();
  add_cores_option(*command, o->cores, o->core_mask);
  add_backend_option(*command, o->backend, AutoBackend::kRefused);
  command->add_flag("--json", o->json, "one JSON object on stdout");
  command->footer(
      "Layers are matched by name. The exit code is 0 when no layer diverges, 1 otherwise.\n"
      "Examples:\n"
      "  dotori diff net.dtr net_int8.dtr --photo street.jpg\n"
      "  dotori diff net.dtr backend:reference\n"
      "  dotori diff net.dtr isa:none\n"
      "  dotori diff net.dtr --save board.npz        # on the board; then here: dotori diff net.dtr board.npz\n"
      "  scripts/dump-onnx net.onnx -o net.npz && dotori diff net.dtr net.npz");
  command->callback([o, &exit_code] {
    bool same = false;
    if (o->reference.empty() && o->save.empty()) throw CLI::RequiredError("reference, or --save,");
    const Status status = diff(*o, same);
    exit_code = !status.ok() ? fail(status) : same ? 0 : kExitFailed;
  });
}

}  // namespace dotori::cli
