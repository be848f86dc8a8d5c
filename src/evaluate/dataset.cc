// SPDX-License-Identifier: Apache-2.0
#include "evaluate/dataset.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>

#include "evaluate/photo_files.h"
#include "evaluate/text_file.h"

namespace dotori::evaluate {

namespace fs = std::filesystem;

Result<std::vector<std::string>> list_photos(const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return not_found(folder + ": no such folder");
  std::vector<std::string> photos;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::string ending = at->path().extension().string();
    for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const bool photo = ending == ".jpg" || ending == ".jpeg" || ending == ".png" || ending == ".bmp";
    std::error_code unreadable;
    if (photo && at->is_regular_file(unreadable)) photos.push_back(at->path().string());
  }
  if (error) return io_error(folder + ": " + error.message());
  if (photos.empty()) return not_found(folder + ": holds no JPEG, PNG or BMP file");
  std::sort(photos.begin(), photos.end());
  return photos;
}

Result<std::map<std::string, std::string>> photos_by_stem(const std::string& folder) {
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::string> photos, list_photos(folder));
  std::map<std::string, std::string> by_stem;
  for (const std::string& photo : photos) {
    const auto [same, is_new] = by_stem.emplace(fs::path(photo).stem().string(), photo);
    if (!is_new) return invalid_argument(photo + " and " + same->second + " differ in folder or ending only");
  }
  return by_stem;
}

Result<Dataset> load_labels(const std::string& photos, const std::string& csv) {
  DOTORI_ASSIGN_OR_RETURN(const std::string text, read_text_file(csv));
  Dataset set;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = trimmed(text.substr(begin, end - begin));
    begin = end + 1;
    const std::string where = csv + ":" + std::to_string(++number) + ": ";
    if (line.empty()) continue;
    const std::size_t comma = line.find(',');
    const std::string second =
        comma == std::string::npos ? "" : trimmed(line.substr(comma + 1, line.find(',', comma + 1) - comma - 1));
    Example example;
    if (!parse_number(second, &example.label) || example.label < 0) {
      if (number == 1 && comma != std::string::npos) continue;
      return invalid_argument(where + "expected 'file,label' with a class index from 0, found '" + line + "'");
    }
    const std::string file = trimmed(line.substr(0, comma));
    example.photo = (fs::path(photos) / file).string();
    std::error_code error;
    if (!fs::is_regular_file(example.photo, error))
      return not_found(where + "photo '" + file + "' is not in " + photos);
    set.examples.push_back(std::move(example));
  }
  if (set.examples.empty()) return invalid_argument(csv + ": holds no labels");
  return set;
}

Result<Dataset> load_masks(const std::string& photos, const std::string& masks) {
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::string> files, list_photos(photos));
  DOTORI_ASSIGN_OR_RETURN(const auto by_stem, photos_by_stem(masks));
  Dataset set;
  set.truth = Truth::kMasks;
  for (const std::string& photo : files) {
    const std::string stem = fs::path(photo).stem().string();
    const auto mask = by_stem.find(stem);
    if (mask == by_stem.end()) return not_found(photo + ": no mask named '" + stem + "' in " + masks);
    Example example;
    example.photo = photo;
    example.mask = mask->second;
    set.examples.push_back(std::move(example));
  }
  return set;
}

Status keep_listed(Dataset* set, const std::string& list) {
  DOTORI_ASSIGN_OR_RETURN(const std::string text, read_text_file(list));
  std::map<std::string, std::vector<std::size_t>> by_stem;
  for (std::size_t i = 0; i < set->examples.size(); ++i)
    by_stem[fs::path(set->examples[i].photo).stem().string()].push_back(i);
  std::vector<bool> keep(set->examples.size());
  bool any = false;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = trimmed(text.substr(begin, end - begin));
    begin = end + 1;
    ++number;
    if (line.empty()) continue;
    const fs::path name = line.substr(0, line.find_first_of(" \t"));
    // A stem may hold a dot: the name as it stands comes first.
    auto found = by_stem.find(name.filename().string());
    if (found == by_stem.end()) found = by_stem.find(name.stem().string());
    if (found == by_stem.end())
      return invalid_argument(list + ":" + std::to_string(number) + ": no labelled photo is named '" + name.string() +
                              "'");
    for (std::size_t i : found->second) keep[i] = any = true;
  }
  if (!any) return invalid_argument(list + ": names no photo");
  std::vector<Example> kept;
  for (std::size_t i = 0; i < keep.size(); ++i)
    if (keep[i]) kept.push_back(std::move(set->examples[i]));
  set->examples = std::move(kept);
  return {};
}

}  // namespace dotori::evaluate
