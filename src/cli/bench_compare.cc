// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_compare.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "cli/bench_page.h"

namespace dotori::cli {
namespace {

// Reads members of one JSON object; the first that is wrong is remembered, all later ones are skipped.
class Members {
 public:
  Members(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json.is_object()) status_ = invalid_argument(where_ + ": not an object");
  }
  const Json* find(const char* name, bool required) {
    if (!status_.ok()) return nullptr;
    const auto member = json_.find(name);
    if (member != json_.end() && !member->is_null()) return &*member;
    if (required) status_ = invalid_argument(where_ + ": no \"" + name + "\"");
    return nullptr;
  }
  void read(const char* name, std::string* value, bool required = false) {
    const Json* member = find(name, required);
    if (member == nullptr) return;
    if (const auto* text = member->get_ptr<const std::string*>()) *value = *text;
    else refuse(name, "a text");
  }
  void read(const char* name, bool* value) {
    const Json* member = find(name, true);
    if (member == nullptr) return;
    if (member->is_boolean()) *value = member->get<bool>();
    else refuse(name, "true or false");
  }
  // 0 < x < 1e15 where required, otherwise 0 too.
  void read(const char* name, double* value, bool required = false) {
    const Json* member = find(name, required);
    if (member == nullptr) return;
    const double x = member->is_number() ? member->get<double>() : -1;
    if ((required ? x > 0 : x >= 0) && x < 1e15) *value = x;
    else refuse(name, required ? "a number above 0" : "a number, 0 or more");
  }
  template <class T>
  void read_count(const char* name, T* value, double most, bool required = false) {
    double x = static_cast<double>(*value);
    read(name, &x, required);
    if (x > most || x != std::floor(x)) return refuse(name, "a whole number");
    *value = static_cast<T>(x);
  }
  void refuse(const char* name, const char* expected) {
    if (status_.ok()) status_ = invalid_argument(where_ + ": \"" + name + "\" is not " + expected);
  }
  const Status& status() const noexcept { return status_; }

 private:
  const Json& json_;
  std::string where_;
  Status status_;
};

Result<Machine> read_machine(const Json& json, const std::string& where) {
  Machine m;
  Members members(json, where);
  members.read("cpu", &m.cpu);
  members.read("features", &m.features);
  members.read("kernel", &m.kernel);
  members.read("os", &m.os);
  members.read("architecture", &m.architecture);
  members.read_count("cores", &m.cores, 1e6);
  members.read("max_mhz", &m.max_mhz);
  DOTORI_RETURN_IF_ERROR(members.status());
  return m;
}

Result<StudyRow> read_row(const Json& json, const std::string& where) {
  StudyRow r;
  Members members(json, where);
  members.read("network", &r.network, true);
  members.read("precision", &r.precision);
  members.read_count("threads", &r.threads, 1024, true);
  members.read("fps", &r.fps, true);
  members.read("median_ms", &r.median_ms);
  members.read("min_ms", &r.min_ms);
  members.read("p90_ms", &r.p90_ms);
  members.read("load_ms", &r.load_ms);
  members.read_count("runs", &r.runs, 1e15);
  members.read_count("arena_bytes", &r.arena_bytes, 1e15);
  members.read_count("packed_bytes", &r.packed_bytes, 1e15);
  members.read_count("file_bytes", &r.file_bytes, 1e15);
  members.read_count("macs", &r.macs, 1e15);
  DOTORI_RETURN_IF_ERROR(members.status());
  return r;
}

// "X" and "X_int8" next to each other, in the order in which the devices first name a network.
void sort_rows(std::vector<ComparisonRow>& rows) {
  std::map<std::string, std::size_t> first;
  for (const ComparisonRow& row : rows) first.emplace(network_family(row.network), first.size());
  std::stable_sort(rows.begin(), rows.end(), [&](const ComparisonRow& a, const ComparisonRow& b) {
    const std::string family_a = network_family(a.network), family_b = network_family(b.network);
    if (family_a != family_b) return first.at(family_a) < first.at(family_b);
    if (a.network != b.network) return a.network < b.network;
    return a.threads < b.threads;
  });
}

// Names that differ: the second "board" becomes "board (2)".
void number_names(std::vector<Study>& devices) {
  for (std::size_t d = 1; d < devices.size(); ++d) {
    const std::string base = devices[d].device;
    const auto taken = [&] {
      return std::any_of(devices.begin(), devices.begin() + static_cast<std::ptrdiff_t>(d),
                         [&](const Study& s) { return s.device == devices[d].device; });
    };
    for (int number = 2; taken(); ++number) devices[d].device = base + " (" + std::to_string(number) + ")";
  }
}

// A network that is another one on some device, and libraries of different versions.
std::vector<std::string> warnings(const std::vector<Study>& devices) {
  std::vector<std::string> notes;
  const auto add = [&](const std::string& note) {
    if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
  };
  std::map<std::string, std::pair<const StudyRow*, const Study*>> known;
  for (const Study& device : devices) {
    if (!device.version.empty() && !devices[0].version.empty() && device.version != devices[0].version)
      add(device.device + ": dotori " + device.version + ", " + devices[0].device + ": " + devices[0].version);
    if (!device.backend.empty() && !devices[0].backend.empty() && device.backend != devices[0].backend)
      add(device.device + ": backend " + device.backend + ", " + devices[0].device + ": " + devices[0].backend);
    for (const StudyRow& row : device.rows) {
      const auto [entry, is_new] = known.try_emplace(row.network, &row, &device);
      if (is_new) continue;
      const StudyRow& other = *entry->second.first;
      const bool macs_differ = row.macs > 0 && other.macs > 0 && row.macs != other.macs;
      const bool precision_differs =
          !row.precision.empty() && !other.precision.empty() && row.precision != other.precision;
      if (macs_differ || precision_differs)
        add(row.network + ": " + device.device + " has another network of this name than " +
            entry->second.second->device + "; the ratio compares different work");
    }
  }
  return notes;
}

Json comparison_json(const Comparison& c) {
  Json json = {{"schema", kComparisonSchema}};
  json["devices"] = Json::array();
  for (const Study& s : c.devices) {
    Json device = {{"device", s.device}, {"measured", s.measured}};
    if (!s.measured) device["how"] = s.how;
    device["cpu"] = s.machine.cpu;
    device["features"] = s.machine.features;
    device["library"] = s.version;
    device["date"] = s.date;
    json["devices"].push_back(device);
  }
  json["results"] = Json::array();
  for (const ComparisonRow& row : c.rows) {
    Json fps = Json::array(), ratios = Json::array();
    for (std::size_t d = 0; d < row.fps.size(); ++d) {
      fps.push_back(row.fps[d] > 0 ? Json(row.fps[d]) : Json());
      ratios.push_back(row.ratio(d) > 0 ? Json(row.ratio(d)) : Json());
    }
    json["results"].push_back({{"network", row.network},
                               {"precision", row.precision},
                               {"threads", row.threads},
                               {"fps", fps},
                               {"ratio", ratios}});
  }
  json["notes"] = c.notes;
  return json;
}

std::string figure(const char* format, double x, const char* missing) {
  if (!(x > 0)) return missing;
  char text[48];
  std::snprintf(text, sizeof(text), format, x);
  return text;
}

std::string comparison_csv(const Comparison& c) {
  std::string csv = "network,precision,threads";
  for (std::size_t d = 0; d < c.devices.size(); ++d) {
    csv += "," + csv_field(device_title(c.devices[d]) + " fps");
    if (d > 0) csv += "," + csv_field(device_title(c.devices[d]) + " ratio");
  }
  csv += "\n";
  for (const ComparisonRow& row : c.rows) {
    csv += csv_field(row.network) + "," + csv_field(row.precision) + "," + std::to_string(row.threads);
    for (std::size_t d = 0; d < row.fps.size(); ++d) {
      csv += "," + figure("%.5g", row.fps[d], "");
      if (d > 0) csv += "," + figure("%.4g", row.ratio(d), "");
    }
    csv += "\n";
  }
  return csv;
}

// Devices by number, since names are long.
void print_comparison(const Comparison& c) {
  for (std::size_t d = 0; d < c.devices.size(); ++d) {
    const Study& s = c.devices[d];
    std::printf("[%zu] %s%s%s\n", d + 1, device_title(s).c_str(), s.measured ? "" : ": ", s.how.c_str());
  }
  std::printf("\nFPS, and how many times the FPS of [1]\n%-34s %-9s %7s", "network", "precision", "threads");
  for (std::size_t d = 0; d < c.devices.size(); ++d) {
    const std::string title = "[" + std::to_string(d + 1) + "]" + (c.devices[d].measured ? "" : " modelled");
    std::printf(" %*s", d == 0 ? 10 : 18, title.c_str());
  }
  std::printf("\n");
  for (const ComparisonRow& row : c.rows) {
    std::printf("%-34s %-9s %7d", row.network.c_str(), row.precision.c_str(), row.threads);
    for (std::size_t d = 0; d < row.fps.size(); ++d) {
      std::printf(" %10s", figure("%.1f", row.fps[d], "-").c_str());
      if (d > 0) std::printf(" %7s", figure("%.2fx", row.ratio(d), "").c_str());
    }
    std::printf("\n");
  }
  for (const std::string& note : c.notes) std::printf("note: %s\n", note.c_str());
}

}  // namespace

std::string device_title(const Study& study) {
  return study.measured ? study.device : study.device + " (modelled)";
}

Result<Study> read_study(const std::string& path) {
  DOTORI_ASSIGN_OR_RETURN(const std::string text, read_text(path));
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return invalid_argument(path + ": not JSON; 'dotori bench --suite FOLDER -o' writes one");
  Study study;
  std::string schema;
  Members members(json, path);
  members.read("schema", &schema, true);
  if (!members.status().ok())
    return invalid_argument(members.status().message() + "; 'dotori bench --suite FOLDER -o' writes a device study");
  if (schema != kStudySchema)
    return unsupported(path + ": the schema '" + schema + "' is unknown; this program reads '" + kStudySchema + "'");
  members.read("device", &study.device, true);
  members.read("measured", &study.measured);
  if (!study.measured) members.read("how", &study.how, true);
  members.read("date", &study.date);
  members.read("library", &study.version);
  members.read("backend", &study.backend);
  members.read_count("rounds", &study.rounds, 1e6);
  const Json* machine = members.find("machine", false);
  const Json* results = members.find("results", true);
  if (results != nullptr && (!results->is_array() || results->empty()))
    members.refuse("results", "a list with one entry or more");
  DOTORI_RETURN_IF_ERROR(members.status());
  if (!study.measured && study.how.empty())
    return invalid_argument(path + ": \"how\" must say how figures that are not measured came about");
  if (study.device.empty()) return invalid_argument(path + ": \"device\" is empty");
  if (machine != nullptr) {
    DOTORI_ASSIGN_OR_RETURN(study.machine, read_machine(*machine, path + ": machine"));
  }
  for (std::size_t i = 0; i < results->size(); ++i) {
    DOTORI_ASSIGN_OR_RETURN(StudyRow row, read_row((*results)[i], path + ": results[" + std::to_string(i) + "]"));
    const auto same = [&](const StudyRow& r) { return r.network == row.network && r.threads == row.threads; };
    if (std::any_of(study.rows.begin(), study.rows.end(), same))
      return invalid_argument(path + ": has " + row.network + " with " + std::to_string(row.threads) +
                              " threads twice");
    study.rows.push_back(std::move(row));
  }
  return study;
}

Comparison compare_studies(std::vector<Study> devices) {
  Comparison c;
  c.devices = std::move(devices);
  number_names(c.devices);
  for (std::size_t d = 0; d < c.devices.size(); ++d) {
    for (const StudyRow& row : c.devices[d].rows) {
      const auto same = [&](const ComparisonRow& r) { return r.network == row.network && r.threads == row.threads; };
      auto at = std::find_if(c.rows.begin(), c.rows.end(), same);
      if (at == c.rows.end()) {
        c.rows.push_back({row.network, row.precision, row.threads, std::vector<double>(c.devices.size(), 0.0)});
        at = c.rows.end() - 1;
      }
      if (at->precision.empty()) at->precision = row.precision;
      at->fps[d] = row.fps;
    }
  }
  sort_rows(c.rows);
  c.notes = warnings(c.devices);
  return c;
}

Status run_compare(const CompareOptions& o) {
  std::vector<Study> devices;
  for (const std::string& path : o.files) {
    DOTORI_ASSIGN_OR_RETURN(Study study, read_study(path));
    devices.push_back(std::move(study));
  }
  const Comparison comparison = compare_studies(std::move(devices));
  if (!o.html.empty()) DOTORI_RETURN_IF_ERROR(write_text(o.html, comparison_page(comparison)));
  if (!o.csv.empty()) DOTORI_RETURN_IF_ERROR(write_text(o.csv, comparison_csv(comparison)));
  if (o.json) print_json(comparison_json(comparison));
  else print_comparison(comparison);
  return {};
}

}  // namespace dotori::cli
