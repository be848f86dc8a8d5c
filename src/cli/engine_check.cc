// SPDX-License-Identifier: Apache-2.0
#include "cli/engine_check.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <dotori/vision.h>

#include "cli/child.h"
#include "cli/cli.h"
#include "cli/npy.h"
#include "cli/reference_tensors.h"
#include "graph/graph.h"

namespace dotori::cli {
namespace {

struct Engine {
  const char* ending;
  const char* script;
  const char* name;
};

constexpr Engine kEngines[] = {
    {".onnx", "dump-onnx", "ONNX Runtime"}, {".tflite", "dump-tflite", "LiteRT"}, {"", "dump-opencv", "OpenCV"}};

const Engine& engine_of(const std::string& source) {
  for (const Engine& engine : kEngines)
    if (has_ending(source, engine.ending)) return engine;
  return kEngines[2];
}

// The elements of a stored tensor in the source file's order: stored axis k is source axis order[k].
NpyArray in_source_order(const TensorView& view, const Shape& order) {
  const int rank = view.shape.rank();
  NpyArray array;
  array.type = view.type;
  array.shape.assign(view.shape.begin(), view.shape.end());
  const char* from = static_cast<const char*>(view.data);
  array.bytes.assign(from, view.size_bytes);
  if (order.empty()) return array;
  std::vector<std::int64_t> steps(static_cast<std::size_t>(rank), 1), source_steps(static_cast<std::size_t>(rank));
  for (int k = rank - 1; k-- > 0;)
    steps[static_cast<std::size_t>(k)] = steps[static_cast<std::size_t>(k) + 1] * view.shape[k + 1];
  for (int k = 0; k < rank; ++k) {
    array.shape[static_cast<std::size_t>(order[k])] = view.shape[k];
    source_steps[static_cast<std::size_t>(order[k])] = steps[static_cast<std::size_t>(k)];
  }
  const std::size_t bytes = data_type_bytes(view.type);
  for (std::int64_t i = 0, n = view.elements(); i < n; ++i) {
    std::int64_t at = 0, rest = i;
    for (int k = rank; k-- > 0;) {
      const auto axis = static_cast<std::size_t>(k);
      at += rest % array.shape[axis] * source_steps[axis];
      rest /= array.shape[axis];
    }
    std::copy_n(from + static_cast<std::size_t>(at) * bytes, bytes,
                array.bytes.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(i) * bytes));
  }
  return array;
}

Status save_photo(const Model& model, const std::string& photo, const std::string& path) {
  DOTORI_ASSIGN_OR_RETURN(Session session, Session::create(model));
  if (session.input_count() != 1)
    return unsupported("the model has " + std::to_string(session.input_count()) + " inputs, a photo fills one");
  DOTORI_ASSIGN_OR_RETURN(const vision::Image image, vision::load_image(photo));
  const std::vector<TensorView> inputs = {session.input(0)};
  DOTORI_RETURN_IF_ERROR(vision::fill_inputs(image, model.task().preprocess, inputs).status().with_context(photo));
  return write_text(path, npy_bytes(in_source_order(inputs[0], model.inputs()[0].source_order)));
}

// The last lines of what an engine had to say.
std::string last_words(const std::string& output) {
  std::vector<std::string> lines;
  for (const std::string& line : split(output, '\n'))
    if (!line.empty()) lines.push_back(line);
  return lines.empty() ? "it said nothing" : lines.back();
}

}  // namespace

Result<EngineCheck> check_beside_engine(const Model& model, const std::vector<std::string>& sources,
                                        const std::vector<std::string>& input_options, const std::string& photo) {
  const Engine& engine = engine_of(sources[0]);
  const char* folder_name = std::getenv("DOTORI_SCRIPTS");
  const std::string script =
      std::string(folder_name != nullptr ? folder_name : DOTORI_DEFAULT_SCRIPTS) + "/" + engine.script;
  if (!std::filesystem::exists(script))
    return not_found(script + ": no such file; DOTORI_SCRIPTS must name the folder with " + engine.script);
  DOTORI_ASSIGN_OR_RETURN(const TemporaryFolder folder, TemporaryFolder::create());
  const std::string numbers = folder.file("photo.npy"), layers = folder.file("layers.npz");
  DOTORI_RETURN_IF_ERROR(save_photo(model, photo, numbers));
  std::vector<std::string> command = {script};
  command.insert(command.end(), sources.begin(), sources.end());
  for (const char* argument : {"-o", layers.c_str(), "--numbers", numbers.c_str()}) command.emplace_back(argument);
  for (const std::string& input : input_options) {
    if (engine.script == kEngines[2].script) break;  // OpenCV takes the shape of the numbers
    command.emplace_back("--input");
    command.push_back(input);
  }
  DOTORI_ASSIGN_OR_RETURN(const ChildResult child, run_child(command));
  if (child.exit_code != 0)
    return unsupported(std::string(engine.name) + " did not run the file (" + script +
                       "): " + last_words(child.output));
  DOTORI_ASSIGN_OR_RETURN(const NamedArrays arrays, load_npz(layers));
  std::vector<std::string> inputs;
  DOTORI_ASSIGN_OR_RETURN(const auto own, layer_tensors(model, {}, [&](Session& session) -> Status {
                            DOTORI_RETURN_IF_ERROR(fill_from_arrays(session, arrays, layers));
                            for (const auto& input : input_arrays(session)) inputs.push_back(input.second.bytes);
                            return Status();
                          }));
  const std::vector<LayerTensor> reference = tensors_from(arrays, own);
  EngineCheck check;
  check.engine = engine.name;
  DivergenceOptions limits;
  // LiteRT runs float layers of 8-bit weights in 8 bits, with scales of its own for each photo.
  limits.noisy = model.graph().source.find("8-bit weights") != std::string::npos;
  // From the engine's own numbers before each layer: what is found is of this layer alone.
  limits.most_steps = 2;
  DOTORI_ASSIGN_OR_RETURN(const auto local, local_layer_tensors(model, {}, reference, inputs));
  check.divergence = compare_layers(local, reference, limits);
  if (check.divergence.layers.empty())
    return unsupported(std::string(engine.name) + " and the model have no layer of the same name");
  return check;
}

}  // namespace dotori::cli
