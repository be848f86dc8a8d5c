// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "evaluate/dataset.h"
#include "evaluate/text_file.h"

namespace dotori::evaluate {
namespace {

using Json = nlohmann::json;

// A value of a JSON object and where it is, for messages: "instances.json: annotations[3]".
struct Entry {
  const Json& object;
  std::string where;

  Status wrong(const char* key, const char* expected) const {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return invalid_argument(where + "." + key + ": expected " + expected + ", found " +
                            (object.is_object() && found != object.end() ? found->dump().substr(0, 60) : "nothing"));
  }
  Result<std::int64_t> whole(const char* key) const {
    if (!object.is_object() || !object.contains(key) || !object[key].is_number_integer())
      return wrong(key, "a whole number");
    return object[key].get<std::int64_t>();
  }
  Result<std::string> text(const char* key) const {
    if (!object.is_object() || !object.contains(key) || !object[key].is_string()) return wrong(key, "a string");
    return object[key].get<std::string>();
  }
};

Result<std::vector<Entry>> list(const Json& json, const char* key, const std::string& file) {
  if (!json.is_object() || !json.contains(key) || !json[key].is_array())
    return invalid_argument(file + ": expected a JSON object with a list '" + key + "'");
  std::vector<Entry> entries;
  for (const Json& object : json[key])
    entries.push_back({object, file + ": " + key + "[" + std::to_string(entries.size()) + "]"});
  return entries;
}

Result<TruthBox> read_box(const Entry& annotation) {
  const Json& object = annotation.object;
  const auto four_numbers = [](const Json& list) {
    if (!list.is_array() || list.size() != 4) return false;
    for (const Json& n : list)
      if (!n.is_number() || !std::isfinite(n.get<double>())) return false;
    return list[2].get<double>() >= 0 && list[3].get<double>() >= 0;
  };
  if (!object.contains("bbox") || !four_numbers(object["bbox"]))
    return annotation.wrong("bbox", "[x, y, width, height]");
  TruthBox box;
  box.x = object["bbox"][0].get<double>();
  box.y = object["bbox"][1].get<double>();
  box.width = object["bbox"][2].get<double>();
  box.height = object["bbox"][3].get<double>();
  box.area = box.width * box.height;
  if (object.contains("area")) {
    if (!object["area"].is_number() || !std::isfinite(object["area"].get<double>()))
      return annotation.wrong("area", "a number");
    box.area = object["area"].get<double>();
  }
  if (object.contains("iscrowd")) {
    const Json& crowd = object["iscrowd"];
    if (!crowd.is_number_integer() && !crowd.is_boolean()) return annotation.wrong("iscrowd", "0 or 1");
    box.crowd = crowd.is_boolean() ? crowd.get<bool>() : crowd.get<std::int64_t>() != 0;
  }
  box.ignore = box.crowd;
  return box;
}

}  // namespace

Result<Dataset> load_coco(const std::string& photos, const std::string& file) {
  DOTORI_ASSIGN_OR_RETURN(const std::string text, read_text_file(file));
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return invalid_argument(file + ": not JSON");
  Dataset set;
  set.truth = Truth::kBoxes;

  DOTORI_ASSIGN_OR_RETURN(const std::vector<Entry> categories, list(json, "categories", file));
  std::map<std::int64_t, std::string> names;
  for (const Entry& category : categories) {
    DOTORI_ASSIGN_OR_RETURN(const std::int64_t id, category.whole("id"));
    DOTORI_ASSIGN_OR_RETURN(const std::string name, category.text("name"));
    if (!names.emplace(id, name).second) return category.wrong("id", "an id of its own");
  }
  std::map<std::int64_t, int> category_index;
  for (const auto& [id, name] : names) {
    category_index[id] = static_cast<int>(set.categories.size());
    set.categories.push_back(name);
  }

  DOTORI_ASSIGN_OR_RETURN(const std::vector<Entry> images, list(json, "images", file));
  std::map<std::int64_t, std::size_t> example_index;
  for (const Entry& image : images) {
    DOTORI_ASSIGN_OR_RETURN(const std::int64_t id, image.whole("id"));
    DOTORI_ASSIGN_OR_RETURN(const std::string name, image.text("file_name"));
    if (!example_index.emplace(id, set.examples.size()).second) return image.wrong("id", "an id of its own");
    Example example;
    example.photo = (std::filesystem::path(photos) / name).string();
    std::error_code error;
    if (!std::filesystem::is_regular_file(example.photo, error))
      return not_found(image.where + ".file_name: photo '" + name + "' is not in " + photos);
    set.examples.push_back(std::move(example));
  }
  if (set.examples.empty()) return invalid_argument(file + ": images: expected at least one, found none");

  DOTORI_ASSIGN_OR_RETURN(const std::vector<Entry> annotations, list(json, "annotations", file));
  for (const Entry& annotation : annotations) {
    DOTORI_ASSIGN_OR_RETURN(const std::int64_t image, annotation.whole("image_id"));
    DOTORI_ASSIGN_OR_RETURN(const std::int64_t category, annotation.whole("category_id"));
    const auto example = example_index.find(image);
    if (example == example_index.end()) return annotation.wrong("image_id", "the id of an image");
    const auto index = category_index.find(category);
    if (index == category_index.end()) return annotation.wrong("category_id", "the id of a category");
    DOTORI_ASSIGN_OR_RETURN(TruthBox box, read_box(annotation));
    box.category = index->second;
    set.examples[example->second].boxes.push_back(box);
  }
  return set;
}

}  // namespace dotori::evaluate
