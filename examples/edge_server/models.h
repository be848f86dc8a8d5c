// SPDX-License-Identifier: Apache-2.0
// The models in the folder. A generation never changes; reloading makes the next one, and requests under way keep
// theirs.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <dotori/model.h>
#include <dotori/task.h>

namespace dotori::edge {

struct NamedModel {
  std::string name;
  Model model;
};

struct Generation {
  int number = 0;
  std::vector<NamedModel> models;  // by name

  const NamedModel* find(const std::string& name) const;
  // The model for a task: the configured one, else the first with that task. Null when there is none.
  const NamedModel* find_for(Task task) const;

 private:
  friend class ModelFolder;
  std::map<std::string, std::string> defaults_;
};

// "classify", "detect", "segment"
const char* route_of(Task task);

// Any thread may call any function.
class ModelFolder {
 public:
  // `defaults`: a model's name for "classify", "detect", "segment".
  ModelFolder(std::string folder, std::map<std::string, std::string> defaults)
      : folder_(std::move(folder)), defaults_(std::move(defaults)) {}

  // Reads the folder. On an error the generation before stays: kNotFound (no folder, no .dtr in it, no model of a
  // default's name), kInvalidArgument (a default of another task), or the first file's that does not load.
  Status load();
  std::shared_ptr<const Generation> current() const;

 private:
  const std::string folder_;
  const std::map<std::string, std::string> defaults_;
  std::mutex loading_;  // one load at a time
  mutable std::mutex mutex_;
  std::shared_ptr<const Generation> current_ = std::make_shared<Generation>();
};

}  // namespace dotori::edge
