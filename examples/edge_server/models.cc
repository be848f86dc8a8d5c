// SPDX-License-Identifier: Apache-2.0
#include "models.h"

#include <algorithm>
#include <filesystem>

namespace dotori::edge {

const char* route_of(Task task) {
  switch (task) {
    case Task::kClassification: return "classify";
    case Task::kDetection: return "detect";
    case Task::kSegmentation: return "segment";
    default: return "";
  }
}

const NamedModel* Generation::find(const std::string& name) const {
  for (const NamedModel& model : models)
    if (model.name == name) return &model;
  return nullptr;
}

const NamedModel* Generation::find_for(Task task) const {
  const auto configured = defaults_.find(route_of(task));
  if (configured != defaults_.end()) return find(configured->second);
  for (const NamedModel& model : models)
    if (model.model.task().task == task) return &model;
  return nullptr;
}

Status ModelFolder::load() {
  const std::lock_guard<std::mutex> one_at_a_time(loading_);
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error))
    if (it->path().extension() == ".dtr" && !it->path().stem().empty()) files.push_back(it->path());
  if (error) return not_found(folder_ + ": " + error.message());
  if (files.empty()) return not_found(folder_ + ": there is no .dtr file");
  std::sort(files.begin(), files.end());
  auto next = std::make_shared<Generation>();
  for (const std::filesystem::path& file : files) {
    Result<Model> model = Model::load_file(file.string());
    if (!model.ok()) return model.status();
    next->models.push_back({file.stem().string(), std::move(*model)});
  }
  for (const auto& [route, name] : defaults_) {
    const NamedModel* model = next->find(name);
    if (model == nullptr) return not_found(folder_ + ": there is no '" + name + "', the default to " + route);
    if (route != route_of(model->model.task().task))
      return invalid_argument("'" + name + "', the default to " + route + ", is for " +
                              task_name(model->model.task().task));
  }
  next->defaults_ = defaults_;
  next->number = current()->number + 1;
  const std::lock_guard<std::mutex> lock(mutex_);
  current_ = std::move(next);
  return {};
}

std::shared_ptr<const Generation> ModelFolder::current() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return current_;
}

}  // namespace dotori::edge
