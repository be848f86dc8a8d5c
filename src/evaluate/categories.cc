// SPDX-License-Identifier: Apache-2.0
#include "evaluate/categories.h"

#include <algorithm>
#include <cctype>

namespace dotori::evaluate {
namespace {

std::string plain_name(const std::string& name) {
  std::string plain;
  for (char c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 128)
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  constexpr const char* kSpellings[][2] = {{"motorbike", "motorcycle"},
                                           {"aeroplane", "airplane"},
                                           {"sofa", "couch"},
                                           {"tvmonitor", "tv"},
                                           {"hairdryer", "hairdrier"}};
  for (const auto& spelling : kSpellings)
    if (plain == spelling[0]) return spelling[1];
  return plain;
}

}  // namespace

Result<CategoryMap> match_categories(Span<const std::string> categories, Span<const std::string> labels, int classes) {
  CategoryMap map;
  map.category_of_class.assign(static_cast<std::size_t>(classes), -1);
  map.known.assign(categories.size(), false);
  std::vector<std::string> names;
  for (const std::string& category : categories) names.push_back(plain_name(category));
  bool any = false;
  for (std::size_t c = 0; c < std::min(labels.size(), map.category_of_class.size()); ++c) {
    const std::string name = plain_name(labels[c]);
    const auto found = std::find(names.begin(), names.end(), name);
    if (name.empty() || found == names.end()) continue;
    const std::size_t category = static_cast<std::size_t>(found - names.begin());
    map.category_of_class[c] = static_cast<int>(category);
    map.known[category] = any = true;
  }
  if (!any) {
    if (categories.size() != map.category_of_class.size())
      return invalid_argument("none of the " + std::to_string(categories.size()) +
                              " categories has the name of one of the model's " + std::to_string(classes) + " classes");
    for (std::size_t c = 0; c < categories.size(); ++c) map.category_of_class[c] = static_cast<int>(c);
    map.known.assign(categories.size(), true);
    map.note = "no category has the name of a class: categories and classes were matched by their order";
    return map;
  }
  std::string missing;
  for (std::size_t i = 0; i < categories.size(); ++i)
    if (!map.known[i]) missing += (missing.empty() ? "" : ", ") + categories[i];
  if (!missing.empty()) map.note = "categories the model has no class for, left out: " + missing;
  return map;
}

}  // namespace dotori::evaluate
