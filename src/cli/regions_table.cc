// SPDX-License-Identifier: Apache-2.0
#include "cli/regions_table.h"

#include <algorithm>
#include <cstdio>
#include <map>

namespace dotori::cli {
namespace {

// Keys in JSON, headings in CSV.
constexpr const char* kColumns[] = {"id",        "index",      "label", "pixels", "area_percent", "centre_x",
                                    "centre_y",  "x0",         "y0",    "x1",     "y1",           "equivalent_diameter",
                                    "perimeter", "circularity"};

std::string field_of(const Json& value) {
  if (value.is_string()) return csv_field(value.get<std::string>());
  if (!value.is_number_float()) return value.dump();
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value.get<double>());
  // Large coordinates keep their tenths.
  if (value.get<double>() >= 1000) std::snprintf(text, sizeof text, "%.1f", value.get<double>());
  return text;
}

std::string csv_text(const Json& results) {
  std::string text = "photo";
  for (const char* column : kColumns) text += std::string(",") + column;
  text += "\n";
  for (const Json& result : results) {
    for (const Json& region : result["mask"]["regions"]) {
      text += csv_field(result["photo"].get<std::string>());
      for (const char* column : kColumns) text += "," + field_of(region[column]);
      text += "\n";
    }
  }
  return text;
}

}  // namespace

Json region_json(const vision::Region& r, int number, const std::string& label, std::int64_t photo_pixels) {
  return {{"id", number},
          {"label", label},
          {"index", r.class_index},
          {"pixels", r.pixels},
          {"area_percent", 100.0 * static_cast<double>(r.pixels) / static_cast<double>(photo_pixels)},
          {"x0", r.x0},
          {"y0", r.y0},
          {"x1", r.x1},
          {"y1", r.y1},
          {"centre_x", r.centre_x},
          {"centre_y", r.centre_y},
          {"equivalent_diameter", r.equivalent_diameter},
          {"perimeter", r.perimeter},
          {"circularity", r.circularity}};
}

Json summarise_regions(const Json& regions) {
  struct Group {
    std::vector<double> diameters;
    double circularity = 0, area_percent = 0;
  };
  std::map<std::string, Group> groups;
  for (const Json& region : regions) {
    Group& group = groups[region["label"].get<std::string>()];
    group.diameters.push_back(region["equivalent_diameter"].get<double>());
    group.circularity += region["circularity"].get<double>();
    group.area_percent += region["area_percent"].get<double>();
  }
  Json list = Json::array();
  for (auto& [label, group] : groups) {
    std::sort(group.diameters.begin(), group.diameters.end());
    const std::size_t n = group.diameters.size();
    double sum = 0;
    for (double d : group.diameters) sum += d;
    list.push_back({{"label", label},
                    {"regions", n},
                    {"mean_diameter", sum / static_cast<double>(n)},
                    {"median_diameter", (group.diameters[(n - 1) / 2] + group.diameters[n / 2]) / 2},
                    {"mean_circularity", group.circularity / static_cast<double>(n)},
                    {"area_percent", group.area_percent}});
  }
  return list;
}

Status check_regions_path(const std::string& path) {
  if (path == "-" || has_ending(path, ".csv") || has_ending(path, ".json")) return Status();
  return invalid_argument("--regions '" + path + "': expected a name that ends in .csv or .json, or -");
}

Status write_regions(const Json& results, const std::string& path) {
  DOTORI_RETURN_IF_ERROR(check_regions_path(path));
  if (path == "-") {
    std::fputs(csv_text(results).c_str(), stdout);
    return Status();
  }
  std::string text;
  if (has_ending(path, ".csv")) {
    text = csv_text(results);
  } else {
    Json photos = Json::array();
    for (const Json& result : results)
      photos.push_back(
          {{"photo", result["photo"]}, {"summary", result["mask"]["summary"]}, {"regions", result["mask"]["regions"]}});
    text = Json({{"photos", photos}}).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return write_text(path, text);
}

}  // namespace dotori::cli
