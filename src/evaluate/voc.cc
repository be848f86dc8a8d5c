// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>

#include "evaluate/dataset.h"
#include "evaluate/photo_files.h"
#include "evaluate/text_file.h"

namespace dotori::evaluate {
namespace {

namespace fs = std::filesystem;

// The parts of XML that annotation programs write: elements without attributes that matter. Text between <tag> and
// </tag>, from `from` on and before `end`; `after` receives where it stops. False when there is none.
bool find_element(const std::string& xml, const std::string& tag, std::size_t from, std::size_t end, std::string* text,
                  std::size_t* after = nullptr) {
  const std::string opening = "<" + tag + ">", closing = "</" + tag + ">";
  const std::size_t start = xml.find(opening, from);
  if (start == std::string::npos || start >= end) return false;
  const std::size_t stop = xml.find(closing, start);
  if (stop == std::string::npos || stop >= end) return false;
  *text = trimmed(xml.substr(start + opening.size(), stop - start - opening.size()));
  if (after != nullptr) *after = stop + closing.size();
  return true;
}

Result<double> corner(const std::string& object, const char* tag, const std::string& where) {
  std::string text;
  double value = 0;
  if (!find_element(object, tag, 0, object.size(), &text) || !parse_number(text, &value))
    return invalid_argument(where + ".bndbox." + tag + ": expected a number, found '" + text + "'");
  return value;
}

struct NamedBox {
  std::string name;
  TruthBox box;
};

Result<std::vector<NamedBox>> read_objects(const std::string& file) {
  DOTORI_ASSIGN_OR_RETURN(const std::string xml, read_text_file(file));
  if (xml.find("<annotation") == std::string::npos)
    return invalid_argument(file + ": expected an <annotation> element, found none");
  std::vector<NamedBox> objects;
  std::string object;
  for (std::size_t at = 0; find_element(xml, "object", at, xml.size(), &object, &at);) {
    const std::string where = file + ": object[" + std::to_string(objects.size()) + "]";
    NamedBox found;
    if (!find_element(object, "name", 0, object.size(), &found.name) || found.name.empty())
      return invalid_argument(where + ".name: expected a name, found nothing");
    DOTORI_ASSIGN_OR_RETURN(const double x0, corner(object, "xmin", where));
    DOTORI_ASSIGN_OR_RETURN(const double y0, corner(object, "ymin", where));
    DOTORI_ASSIGN_OR_RETURN(const double x1, corner(object, "xmax", where));
    DOTORI_ASSIGN_OR_RETURN(const double y1, corner(object, "ymax", where));
    // Real sets hold boxes without an inside (BCCD has one); nothing can match them.
    found.box.x = x0;
    found.box.y = y0;
    found.box.width = std::max(0.0, x1 - x0);
    found.box.height = std::max(0.0, y1 - y0);
    found.box.area = found.box.width * found.box.height;
    std::string difficult;
    found.box.ignore =
        (find_element(object, "difficult", 0, object.size(), &difficult) && difficult == "1") || found.box.area == 0;
    objects.push_back(std::move(found));
  }
  return objects;
}

}  // namespace

Result<Dataset> load_voc(const std::string& photos, const std::string& folder) {
  DOTORI_ASSIGN_OR_RETURN(const auto by_stem, photos_by_stem(photos));
  std::error_code error;
  std::vector<std::string> files;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".xml") files.push_back(at->path().string());
  if (error) return not_found(folder + ": " + error.message());
  if (files.empty()) return not_found(folder + ": holds no .xml file");
  std::sort(files.begin(), files.end());

  Dataset set;
  set.truth = Truth::kBoxes;
  std::vector<std::vector<NamedBox>> objects;
  for (const std::string& file : files) {
    const std::string stem = fs::path(file).stem().string();
    const auto photo = by_stem.find(stem);
    if (photo == by_stem.end()) return not_found(file + ": no photo named '" + stem + "' in " + photos);
    DOTORI_ASSIGN_OR_RETURN(std::vector<NamedBox> found, read_objects(file));
    for (const NamedBox& object : found) set.categories.push_back(object.name);
    objects.push_back(std::move(found));
    Example example;
    example.photo = photo->second;
    set.examples.push_back(std::move(example));
  }
  std::sort(set.categories.begin(), set.categories.end());
  set.categories.erase(std::unique(set.categories.begin(), set.categories.end()), set.categories.end());
  for (std::size_t i = 0; i < objects.size(); ++i)
    for (NamedBox& object : objects[i]) {
      const auto name = std::lower_bound(set.categories.begin(), set.categories.end(), object.name);
      object.box.category = static_cast<int>(name - set.categories.begin());
      set.examples[i].boxes.push_back(object.box);
    }
  return set;
}

}  // namespace dotori::evaluate
