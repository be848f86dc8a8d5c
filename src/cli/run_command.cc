// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <dotori/vision.h>

#include "cli/backend_option.h"
#include "cli/cli.h"
#include "cli/cores_option.h"
#include "cli/filter_option.h"
#include "cli/npy.h"
#include "cli/regions_table.h"

namespace dotori::cli {
namespace {

struct RunOptions {
  std::string model;
  std::vector<std::string> photos;
  std::vector<std::string> inputs;
  std::string save, dump, regions;
  std::vector<vision::PhotoFilter> filters;
  int threads = 1;
  CoreClass cores = CoreClass::kAll;
  std::uint64_t core_mask = 0;
  BackendKind backend = BackendKind::kCpu;
  int top = 5;
  std::int64_t min_pixels = 100;
  float opacity = 0.5f;
  bool json = false;
};

std::string label_of(const TaskInfo& task, int index) {
  const std::size_t i = static_cast<std::size_t>(index);
  return index >= 0 && i < task.labels.size() ? task.labels[i] : "class " + std::to_string(index);
}

std::vector<TensorView> all_outputs(Session& session) {
  std::vector<TensorView> outputs;
  for (int i = 0; i < session.output_count(); ++i) outputs.push_back(session.output(i));
  return outputs;
}

Status answer_classes(Session& session, const RunOptions& o, vision::Image& picture, Json& result) {
  const TaskInfo& task = session.model().task();
  DOTORI_ASSIGN_OR_RETURN(
      const std::vector<vision::ClassScore> top,
      vision::top_k(session.output(task.classification.output), o.top, task.classification.apply_softmax));
  result["top"] = Json::array();
  for (const vision::ClassScore& c : top)
    result["top"].push_back({{"label", label_of(task, c.index)}, {"index", c.index}, {"score", c.score}});
  if (!o.save.empty()) vision::draw_classes(picture, top, task.labels);
  return Status();
}

Status answer_boxes(Session& session, const RunOptions& o, const vision::PhotoTransform& transform,
                    vision::Image& picture, Json& result) {
  const TaskInfo& task = session.model().task();
  const std::vector<TensorView> outputs = all_outputs(session);
  DOTORI_ASSIGN_OR_RETURN(const std::vector<vision::Box> boxes,
                          vision::decode_detections(task.detection, outputs, transform));
  result["boxes"] = Json::array();
  for (const vision::Box& b : boxes)
    result["boxes"].push_back({{"label", label_of(task, b.class_index)},
                               {"index", b.class_index},
                               {"score", b.score},
                               {"x0", b.x0},
                               {"y0", b.y0},
                               {"x1", b.x1},
                               {"y1", b.y1}});
  if (!o.save.empty()) vision::draw_boxes(picture, boxes, task.labels);
  return Status();
}

Status answer_mask(Session& session, const RunOptions& o, const vision::PhotoTransform& transform,
                   vision::Image& picture, Json& result) {
  const TaskInfo& task = session.model().task();
  DOTORI_ASSIGN_OR_RETURN(const vision::Mask mask,
                          vision::decode_mask(task.segmentation, session.output(task.segmentation.output), transform));
  std::int64_t pixels[256] = {};
  for (std::uint8_t c : mask.classes) ++pixels[c];
  Json classes = Json::array();
  for (int c = 0; c < 256; ++c)
    if (pixels[c] > 0) classes.push_back({{"label", label_of(task, c)}, {"index", c}, {"pixels", pixels[c]}});
  const std::vector<vision::Region> regions = vision::connected_regions(mask, o.min_pixels);
  Json list = Json::array();
  for (const vision::Region& r : regions)
    list.push_back(region_json(r, static_cast<int>(list.size()) + 1, label_of(task, r.class_index),
                               static_cast<std::int64_t>(mask.classes.size())));
  result["mask"] = {{"classes", classes}, {"summary", summarise_regions(list)}, {"regions", list}};
  if (!o.save.empty()) {
    DOTORI_RETURN_IF_ERROR(vision::overlay_mask(picture, mask, o.opacity));
    // Names and sizes where they can be read; outlines and numbers where there are many, or a table to look up.
    constexpr std::size_t kMostTabs = 12;
    if (o.regions.empty() && regions.size() <= kMostTabs) vision::draw_regions(picture, regions, task.labels);
    else DOTORI_RETURN_IF_ERROR(vision::draw_region_outlines(picture, mask, regions));
  }
  return Status();
}

// The names under which several photos keep their results apart: the file's stem, with a number where it comes again.
std::vector<std::string> result_names(const std::vector<std::string>& photos) {
  std::vector<std::string> names;
  for (const std::string& photo : photos) {
    const std::string stem = std::filesystem::path(photo).stem().string();
    std::string name = stem;
    for (int n = 2; std::find(names.begin(), names.end(), name) != names.end(); ++n)
      name = stem + "_" + std::to_string(n);
    names.push_back(name);
  }
  return names;
}

// A file for one photo; inside the folder, under the photo's name, for several.
Result<std::string> picture_path(const RunOptions& o, const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code error;
  const bool is_folder = fs::is_directory(o.save, error);
  if (o.photos.size() == 1 && !is_folder) return o.save;
  if (!is_folder && !fs::create_directories(o.save, error))
    return io_error("--save '" + o.save +
                    "': with several photos it is a folder, and it cannot be made: " + error.message());
  return (fs::path(o.save) / (name + ".png")).string();
}

// With several photos, a folder of its own for each.
std::string dump_folder(const RunOptions& o, const std::string& name) {
  return o.photos.size() > 1 ? (std::filesystem::path(o.dump) / name).string() : o.dump;
}

Status dump_tensors(Session& session, const std::string& folder, bool with_inputs) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (int i = 0; with_inputs && i < session.input_count(); ++i)
    DOTORI_RETURN_IF_ERROR(save_npy(folder + "/input_" + std::to_string(i) + ".npy", session.input(i)));
  for (int i = 0; !with_inputs && i < session.output_count(); ++i)
    DOTORI_RETURN_IF_ERROR(save_npy(folder + "/output_" + std::to_string(i) + ".npy", session.output(i)));
  return Status();
}

Result<Json> run_photo(Session& session, const RunOptions& o, const std::string& photo, const std::string& name) {
  const TaskInfo& task = session.model().task();
  DOTORI_ASSIGN_OR_RETURN(vision::Image picture, vision::load_image(photo));
  DOTORI_RETURN_IF_ERROR(vision::apply_filters(picture, o.filters).with_context(photo));
  std::vector<TensorView> inputs;
  for (int i = 0; i < session.input_count(); ++i) inputs.push_back(session.input(i));
  DOTORI_ASSIGN_OR_RETURN(const vision::PhotoTransform transform,
                          vision::fill_inputs(picture, task.preprocess, inputs));
  if (!o.dump.empty()) DOTORI_RETURN_IF_ERROR(dump_tensors(session, dump_folder(o, name), true));
  const double start = now_ms();
  DOTORI_RETURN_IF_ERROR(session.run());
  const double elapsed = now_ms() - start;
  if (!o.dump.empty()) DOTORI_RETURN_IF_ERROR(dump_tensors(session, dump_folder(o, name), false));
  Json result = {{"photo", photo}, {"ms", elapsed}};
  switch (task.task) {
    case Task::kClassification: DOTORI_RETURN_IF_ERROR(answer_classes(session, o, picture, result)); break;
    case Task::kDetection: DOTORI_RETURN_IF_ERROR(answer_boxes(session, o, transform, picture, result)); break;
    case Task::kSegmentation: DOTORI_RETURN_IF_ERROR(answer_mask(session, o, transform, picture, result)); break;
    default: break;
  }
  if (!o.save.empty()) {
    DOTORI_ASSIGN_OR_RETURN(const std::string path, picture_path(o, name));
    DOTORI_RETURN_IF_ERROR(vision::save_png(picture, path));
    result["picture"] = path;
  }
  return result;
}

void print_result(const Json& r) {
  std::printf("%s  (%.1f ms)\n", r["photo"].get<std::string>().c_str(), r["ms"].get<double>());
  if (r.contains("top"))
    for (const Json& t : r["top"])
      std::printf("  %5.1f %%  %s\n", t["score"].get<double>() * 100, t["label"].get<std::string>().c_str());
  if (r.contains("boxes")) {
    if (r["boxes"].empty()) std::printf("  nothing found\n");
    for (const Json& b : r["boxes"])
      std::printf("  %5.1f %%  %-14s x %.0f..%.0f  y %.0f..%.0f\n", b["score"].get<double>() * 100,
                  b["label"].get<std::string>().c_str(), b["x0"].get<double>(), b["x1"].get<double>(),
                  b["y0"].get<double>(), b["y1"].get<double>());
  }
  if (r.contains("mask")) {
    for (const Json& c : r["mask"]["classes"])
      std::printf("  %9lld pixels  %s\n", static_cast<long long>(c["pixels"].get<std::int64_t>()),
                  c["label"].get<std::string>().c_str());
    std::size_t shown = 0;
    for (const Json& g : r["mask"]["regions"]) {
      if (++shown > 10) break;
      std::printf("  region of %lld pixels around (%.0f, %.0f): %s\n",
                  static_cast<long long>(g["pixels"].get<std::int64_t>()), g["centre_x"].get<double>(),
                  g["centre_y"].get<double>(), g["label"].get<std::string>().c_str());
    }
    if (r["mask"]["regions"].size() > 10) std::printf("  and %zu smaller regions\n", r["mask"]["regions"].size() - 10);
    if (r["mask"]["regions"].empty()) std::printf("  no region is large enough\n");
    for (const Json& s : r["mask"]["summary"])
      std::printf(
          "  %s: %zu region%s, diameter mean %.1f px, median %.1f px, circularity mean %.2f, area %.2f %% of the "
          "photo\n",
          s["label"].get<std::string>().c_str(), s["regions"].get<std::size_t>(),
          s["regions"].get<std::size_t>() == 1 ? "" : "s", s["mean_diameter"].get<double>(),
          s["median_diameter"].get<double>(), s["mean_circularity"].get<double>(), s["area_percent"].get<double>());
  }
  if (r.contains("picture")) std::printf("  picture: %s\n", r["picture"].get<std::string>().c_str());
}

Status fill_from_npy(Session& session, const std::vector<std::string>& paths) {
  if (static_cast<int>(paths.size()) != session.input_count())
    return invalid_argument("--input was given " + std::to_string(paths.size()) + " times, the model has " +
                            std::to_string(session.input_count()) + " inputs");
  for (std::size_t i = 0; i < paths.size(); ++i) {
    DOTORI_ASSIGN_OR_RETURN(const NpyArray array, load_npy(paths[i]));
    const TensorView input = session.input(static_cast<int>(i));
    const Shape found(Span<const std::int64_t>(array.shape.data(), array.shape.size()));
    if (array.type != input.type || found != input.shape || array.shape.size() > kMaxRank)
      return invalid_argument(paths[i] + ": holds " + data_type_name(array.type) + " " + found.to_string() +
                              ", input '" + session.model().inputs()[i].name + "' is " + data_type_name(input.type) +
                              " " + input.shape.to_string());
    std::memcpy(input.data, array.bytes.data(), input.size_bytes);
  }
  return Status();
}

Status run_tensors(Session& session, const RunOptions& o) {
  if (o.dump.empty()) return invalid_argument("--input needs --dump FOLDER for the outputs");
  DOTORI_RETURN_IF_ERROR(fill_from_npy(session, o.inputs));
  const double start = now_ms();
  DOTORI_RETURN_IF_ERROR(session.run());
  const double elapsed = now_ms() - start;
  DOTORI_RETURN_IF_ERROR(dump_tensors(session, o.dump, false));
  if (o.json) print_json({{"ms", elapsed}, {"dump", o.dump}});
  else std::printf("outputs in %s  (%.1f ms)\n", o.dump.c_str(), elapsed);
  return Status();
}

Status run_model(const RunOptions& o) {
  if (o.photos.empty() == o.inputs.empty())
    return invalid_argument("expected photos, or --input FILE.npy for each input");
  if (!o.regions.empty()) DOTORI_RETURN_IF_ERROR(check_regions_path(o.regions));
  if (o.regions == "-" && o.json) return invalid_argument("--regions - and --json both write to stdout");
  DOTORI_ASSIGN_OR_RETURN(const Model model, Model::load_file(o.model));
  if (!o.photos.empty() && model.task().task == Task::kNone && o.dump.empty())
    return invalid_argument(
        o.model + ": the model does not say what it is for; convert it with --preset or --task, or give --dump");
  if (!o.regions.empty() && (model.task().task != Task::kSegmentation || o.photos.empty()))
    return invalid_argument("--regions: lists the areas of masks; " + o.model + " is for " +
                            task_name(model.task().task) + (o.photos.empty() ? ", and no photo was given" : ""));
  SessionOptions options;
  options.num_threads = o.threads;
  options.cores = o.cores;
  options.core_mask = o.core_mask;
  options.backend = o.backend;
  DOTORI_ASSIGN_OR_RETURN(Session session, Session::create(model, options));
  if (!o.inputs.empty()) return run_tensors(session, o);

  // A photo that fails does not take the answers of the others with it.
  Json results = Json::array();
  std::vector<std::string> failures;
  const std::vector<std::string> names = result_names(o.photos);
  {
    ProgressBar bar("photos", o.photos.size());
    for (std::size_t i = 0; i < o.photos.size(); ++i) {
      Result<Json> result = run_photo(session, o, o.photos[i], names[i]);
      if (result.ok()) results.push_back(std::move(*result));
      else failures.push_back(result.status().message());
      bar.advance();
    }
  }
  if (o.json && (!results.empty() || failures.empty()))
    print_json(
        {{"model", o.model}, {"task", task_name(model.task().task)}, {"results", results}, {"failures", failures}});
  for (const Json& result : results)
    if (!o.json && o.regions != "-") print_result(result);
  if (!o.regions.empty() && !results.empty()) DOTORI_RETURN_IF_ERROR(write_regions(results, o.regions));
  if (failures.empty()) return Status();
  if (failures.size() == 1) return invalid_argument(failures[0]);
  return invalid_argument(std::to_string(failures.size()) + " of " + std::to_string(o.photos.size()) +
                          " photos failed, the first: " + failures[0]);
}

}  // namespace

void add_run(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("run", "Classify, detect or segment photos");
  auto o = std::make_shared<RunOptions>();
  command->add_option("model", o->model, "MODEL.dtr")->required();
  command->add_option("photos", o->photos, "JPEG, PNG or BMP files");
  command->add_option("--save", o->save, "annotated picture: a PNG file, or a folder for several photos");
  command->add_option("--top", o->top, "classification: how many classes")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--regions", o->regions,
                      "segmentation: a table of the connected areas: place, size, diameter, circularity; FILE.csv, "
                      "FILE.json, or - for stdout");
  command->add_option("--min-pixels,--min-region", o->min_pixels, "segmentation: smallest region reported")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--opacity", o->opacity, "segmentation: of the mask in the picture")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--threads", o->threads, "0: one a core")->check(CLI::Range(0, 64))->capture_default_str();
  add_cores_option(*command, o->cores, o->core_mask);
  add_filter_option(*command, o->filters);
  add_backend_option(*command, o->backend);
  command->add_option("--input", o->inputs, "instead of photos: a .npy file for each input, in order")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--dump", o->dump, "folder for the tensors, as input_N.npy and output_N.npy");
  command->add_flag("--json", o->json, "one JSON object on stdout");
  command->footer(
      "Examples:\n"
      "  dotori run mobilenet.dtr photo.jpg\n"
      "  dotori run yolo.dtr street.jpg --save boxes.png\n"
      "  dotori run unet.dtr *.jpg --save masks --json\n"
      "  dotori run pores.dtr skin.jpg --regions pores.csv --min-region 40 --save pores.png\n"
      "  dotori run yolo.dtr street.jpg --filter clahe --filter sharpen:0.5\n"
      "  dotori run yolo.dtr street.jpg --backend xnnpack\n"
      "  dotori run yolo.dtr street.jpg --threads 0 --cores big\n"
      "  dotori run net.dtr --input x.npy --dump out");
  command->callback([o, &exit_code] {
    const Status status = run_model(*o);
    if (!status.ok()) exit_code = fail(status);
  });
}

}  // namespace dotori::cli
