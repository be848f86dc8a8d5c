// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_page.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "cli/cores_option.h"
#include "cli/report.h"

namespace dotori::cli {
namespace {

constexpr const char* kStyle =
    ":root{color-scheme:light dark;--page:#fff;--ink:#1f2326;--soft:#5c666d;--line:#dfe3e6;--tint:#f5f3f0;"
    "--s0:#5f7f9f;--s1:#c2661c;--s2:#5b8f4a;--s3:#8a5aa8;--s4:#2f8f8f;--s5:#b8455a;--s6:#8c7a2e;--s7:#6a6f78}"
    "@media(prefers-color-scheme:dark){:root{--page:#16191c;--ink:#e8eaec;--soft:#a0a9b0;--line:#343a40;--tint:#20252a;"
    "--s0:#8fb0d0;--s1:#e8924a;--s2:#8fc27c;--s3:#bd93da;--s4:#62c2c2;--s5:#e8808f;--s6:#c9b45c;--s7:#a9b0ba}}"
    "*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:1180px;padding:1.2em 1em "
    "3em;"
    "color:var(--ink);background:var(--page)}h1{font-size:1.45em;line-height:1.25;margin:.2em 0;overflow-wrap:anywhere}"
    "h2{font-size:1.1em;margin:0 0 .3em}p{margin:.4em 0;color:var(--soft);max-width:70ch}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1em 1em;margin:.8em 0}dt{color:var(--soft)}"
    "dd{margin:0;overflow-wrap:anywhere}section{margin-top:1.8em;min-width:0}"
    ".grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:0 2.5em}"
    ".legend{display:flex;flex-wrap:wrap;gap:.1em 1.2em;font-size:13px;color:var(--soft);margin-bottom:.3em}"
    ".legend svg{width:12px;height:12px;margin-right:6px;vertical-align:-1px}"
    ".chart{display:block;width:100%;overflow:visible}.chart text{font-size:13px;fill:var(--ink)}"
    ".chart .value{font-size:12px;font-variant-numeric:tabular-nums}.chart .gain{fill:var(--soft)}"
    ".pale{opacity:.45}.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:6px;margin-top:.5em}"
    "table{border-collapse:separate;border-spacing:0;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}"
    "th,td{padding:5px 12px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}"
    "th{color:var(--soft);font-weight:600;background:var(--tint);vertical-align:bottom}tr:last-child "
    "td{border-bottom:0}"
    "th:first-child,td:first-child{position:sticky;left:0;background:var(--page);text-align:left;max-width:46vw;"
    "overflow:hidden;text-overflow:ellipsis}th:first-child{background:var(--tint)}td.t,th.t{text-align:left}"
    "th.device{white-space:normal;min-width:7.5em}td.modelled{font-style:italic}"
    ".note{border-left:4px solid var(--s1);background:var(--tint);color:var(--ink);padding:.5em .8em;max-width:none}";

// Series by colour: 0 and 1 are float32 and int8 of one machine; devices take all eight in turn.
constexpr int kColors = 8;

struct Bar {
  std::string label, tooltip;        // behind the bar; shown by pointing at it
  std::string gain;                  // behind the label, softer
  double value = 0, pale_value = 0;  // the second part is drawn paler
  int series = 0;
  bool modelled = false;
};

// Bars under one name, on the scale 0..most.
struct BarGroup {
  std::string name;
  std::vector<Bar> bars;
  double most = 0;
};

std::string text_of(const char* format, double x) {
  char text[48];
  std::snprintf(text, sizeof(text), format, x);
  return text;
}

std::string fps_text(double fps) {
  return text_of(fps < 10 ? "%.2f" : fps < 100 ? "%.1f" : "%.0f", fps);
}
std::string ms_text(double ms) {
  return ms > 0 ? text_of(ms < 10 ? "%.2f" : "%.1f", ms) : "–";
}
std::string bytes_text(std::int64_t bytes) {
  return bytes > 0 ? human_bytes(static_cast<double>(bytes)) : "–";
}
std::string times_text(double ratio) {
  return text_of("×%.2f", ratio);
}
std::string threads_text(int threads) {
  return std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

int series_of(const std::string& precision) {
  return precision == "int8" ? 1 : precision == "mixed" ? 2 : 0;
}

std::string fill_of(int series, bool modelled) {
  return modelled ? "url(#h" + std::to_string(series % kColors) + ")"
                  : "var(--s" + std::to_string(series % kColors) + ")";
}

std::string page_start(const std::string& title) {
  std::string html =
      "<!doctype html>\n<html lang=en><meta charset=utf-8>\n"
      "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n<title>" +
      html_escape(title) + "</title>\n<style>" + kStyle + "</style>\n";
  // Hatched fills of modelled figures, for every drawing of the page.
  html += "<svg width=0 height=0 style=\"position:absolute\" aria-hidden=true><defs>\n";
  for (int s = 0; s < kColors; ++s) {
    const std::string color = "var(--s" + std::to_string(s) + ")";
    html += "<pattern id=h" + std::to_string(s) +
            " width=6 height=6 patternUnits=userSpaceOnUse patternTransform=rotate(45)><rect width=6 height=6 "
            "style=\"fill:" +
            color + ";opacity:.25\" /><rect width=2.5 height=6 style=\"fill:" + color + "\" /></pattern>\n";
  }
  return html + "</defs></svg>\n<h1>" + html_escape(title) + "</h1>\n";
}

std::string legend_entry(int series, bool modelled, const std::string& text) {
  return "<span><svg aria-hidden=true><rect width=12 height=12 rx=2 style=\"fill:" + fill_of(series, modelled) +
         "\" /></svg>" + html_escape(text) + "</span>\n";
}

// Lengths in percent of the drawing's width, so that it fills any column while the letters keep their size.
std::string chart(const std::vector<BarGroup>& groups, const std::string& meaning) {
  constexpr double kWidest = 70, kNameLine = 20, kBarHeight = 14, kBarStep = 17, kGap = 10;
  double y = 0;
  std::string drawn;
  for (const BarGroup& group : groups) {
    drawn += "<text x=0 y=" + text_of("%.0f", y + 14) + ">" + html_escape(group.name) + "</text>\n";
    y += kNameLine;
    for (const Bar& bar : group.bars) {
      const double scale = group.most > 0 ? kWidest / group.most : 0;
      const double width = std::max(0.3, bar.value * scale), pale = bar.pale_value * scale;
      const std::string shape = " y=" + text_of("%.0f", y) + " height=" + text_of("%.0f", kBarHeight) +
                                " style=\"fill:" + fill_of(bar.series, bar.modelled) + "\"";
      drawn += "<g><title>" + html_escape(bar.tooltip) + "</title><rect x=0 width=" + text_of("%.2f%%", width) + shape +
               " rx=2 />";
      if (pale > 0) {
        drawn += "<rect class=pale x=" + text_of("%.2f%%", width) + " width=" + text_of("%.2f%%", pale) + shape + " />";
      }
      drawn += "<text class=value x=" + text_of("%.2f%%", width + pale) + " dx=6 y=" + text_of("%.0f", y + 11.5) + ">" +
               html_escape(bar.label);
      if (!bar.gain.empty()) drawn += "<tspan class=gain dx=6>" + html_escape(bar.gain) + "</tspan>";
      drawn += "</text></g>\n";
      y += kBarStep;
    }
    y += kGap;
  }
  return "<svg class=chart height=" + text_of("%.0f", y) + " role=img aria-label=\"" + html_escape(meaning) + "\">\n" +
         drawn + "</svg>\n";
}

// The rows of one number of threads, by network family, float32 before int8.
std::vector<std::vector<const StudyRow*>> families(const Study& study, int threads) {
  std::vector<std::vector<const StudyRow*>> found;
  for (const StudyRow& row : study.rows) {
    if (row.threads != threads) continue;
    const auto same = [&](const std::vector<const StudyRow*>& family) {
      return network_family(family[0]->network) == network_family(row.network);
    };
    const auto at = std::find_if(found.begin(), found.end(), same);
    if (at == found.end()) found.push_back({&row});
    else at->push_back(&row);
  }
  for (std::vector<const StudyRow*>& family : found)
    std::sort(family.begin(), family.end(), [](auto* a, auto* b) { return a->network < b->network; });
  return found;
}

std::string precision_legend(const Study& study) {
  std::string html = "<div class=legend>";
  for (const char* precision : {"float32", "int8", "mixed"}) {
    const auto has = [&](const StudyRow& r) { return r.precision == precision; };
    if (std::any_of(study.rows.begin(), study.rows.end(), has))
      html += legend_entry(series_of(precision), false, precision);
  }
  return html + "</div>\n";
}

void scale_alike(std::vector<BarGroup>& groups) {
  double most = 0;
  for (const BarGroup& group : groups)
    for (const Bar& bar : group.bars) most = std::max(most, bar.value + bar.pale_value);
  for (BarGroup& group : groups) group.most = most;
}

std::string speed_chart(const Study& study, int threads) {
  std::vector<BarGroup> groups;
  for (const std::vector<const StudyRow*>& family : families(study, threads)) {
    BarGroup group;
    group.name = network_family(family[0]->network);
    if (family.size() == 1) group.name = family[0]->network;
    for (const StudyRow* row : family) {
      Bar bar;
      bar.label = fps_text(row->fps);
      if (row != family[0] && family[0]->fps > 0) bar.gain = times_text(row->fps / family[0]->fps);
      bar.tooltip = row->network + ", " + row->precision + ": median " + ms_text(row->median_ms) + " ms, min " +
                    ms_text(row->min_ms) + ", p90 " + ms_text(row->p90_ms);
      bar.value = row->fps;
      bar.series = series_of(row->precision);
      group.bars.push_back(bar);
    }
    groups.push_back(group);
  }
  scale_alike(groups);
  const std::string title = "Frames per second, " + threads_text(threads);
  return "<section><h2>" + title + "</h2>\n" + precision_legend(study) + chart(groups, title) + "</section>\n";
}

std::string memory_chart(const Study& study, int threads) {
  std::vector<BarGroup> groups;
  for (const std::vector<const StudyRow*>& family : families(study, threads)) {
    BarGroup group;
    group.name = family.size() == 1 ? family[0]->network : network_family(family[0]->network);
    for (const StudyRow* row : family) {
      Bar bar;
      bar.label = bytes_text(row->packed_bytes + row->arena_bytes);
      bar.tooltip = row->network + ": " + bytes_text(row->packed_bytes) + " packed weights, " +
                    bytes_text(row->arena_bytes) + " working memory";
      bar.value = static_cast<double>(row->packed_bytes);
      bar.pale_value = static_cast<double>(row->arena_bytes);
      bar.series = series_of(row->precision);
      group.bars.push_back(bar);
    }
    groups.push_back(group);
  }
  scale_alike(groups);
  return "<section><h2>Memory, " + threads_text(threads) + "</h2>\n" + precision_legend(study) +
         "<p>Packed weights in full colour, working memory pale.</p>\n" + chart(groups, "Memory") + "</section>\n";
}

std::string term(const char* name, const std::string& value) {
  return value.empty() ? "" : std::string("<dt>") + name + "</dt><dd>" + html_escape(value) + "</dd>\n";
}

std::string machine_terms(const Study& s) {
  const Machine& m = s.machine;
  std::string html = "<dl>\n";
  if (m.cpu != s.device) html += term("CPU", m.cpu);
  std::string cores = m.cores > 0 ? std::to_string(m.cores) : "";
  if (!cores.empty() && m.max_mhz > 0) cores += ", up to " + text_of("%.0f MHz", m.max_mhz);
  if (!s.cores.empty() && static_cast<int>(s.cores.size()) != m.cores) {
    std::uint64_t mask = 0;
    for (int core : s.cores) mask |= std::uint64_t{1} << core;
    cores += (cores.empty() ? "" : "; ") + ("measured on " + cores_text(CoreClass::kAll, mask));
  }
  html += term("cores", cores) + term("kernels", m.features);
  html += term("system", m.os + (m.os.empty() || m.kernel.empty() ? "" : ", ") + m.kernel +
                             (m.architecture.empty() ? "" : " " + m.architecture));
  html += term("library", s.version.empty() ? "" : "dotori " + s.version + (s.backend.empty() ? "" : ", " + s.backend));
  html += term("date", s.date);
  if (!s.measured) html += term("modelled", s.how);
  return html + "</dl>\n";
}

std::string study_table(const Study& study) {
  std::string html =
      "<section><h2>All figures</h2>\n<div class=scroll><table>\n<tr><th>network</th><th class=t>precision</th>"
      "<th>threads</th><th>FPS</th><th>median ms</th><th>min ms</th><th>p90 ms</th><th>load ms</th><th>working "
      "memory</th><th>packed weights</th><th>file</th><th>MACs</th></tr>\n";
  for (const StudyRow& r : study.rows) {
    const std::string name = html_escape(r.network);
    html += "<tr><td title=\"" + name + "\">" + name + "</td><td class=t>" + html_escape(r.precision) + "</td>";
    for (const std::string& cell :
         {std::to_string(r.threads), fps_text(r.fps), ms_text(r.median_ms), ms_text(r.min_ms), ms_text(r.p90_ms),
          ms_text(r.load_ms), bytes_text(r.arena_bytes), bytes_text(r.packed_bytes), bytes_text(r.file_bytes),
          human_count(static_cast<double>(r.macs))})
      html += "<td>" + cell + "</td>";
    html += "</tr>\n";
  }
  return html + "</table></div></section>\n";
}

std::string device_chart(const Comparison& c, int threads) {
  std::vector<BarGroup> groups;
  for (const ComparisonRow& row : c.rows) {
    if (row.threads != threads) continue;
    BarGroup group;
    group.name = row.network + (row.precision.empty() ? "" : ", " + row.precision);
    for (const ComparisonRow& other : c.rows) {  // float32 and int8 share a scale
      if (other.threads != threads || network_family(other.network) != network_family(row.network)) continue;
      group.most = std::max(group.most, *std::max_element(other.fps.begin(), other.fps.end()));
    }
    for (std::size_t d = 0; d < row.fps.size(); ++d) {
      if (!(row.fps[d] > 0)) continue;
      Bar bar;
      bar.label = fps_text(row.fps[d]);
      if (d > 0 && row.ratio(d) > 0) bar.gain = times_text(row.ratio(d));
      bar.tooltip = device_title(c.devices[d]) + ": " + bar.label + " FPS";
      bar.value = row.fps[d];
      bar.series = static_cast<int>(d);
      bar.modelled = !c.devices[d].measured;
      group.bars.push_back(bar);
    }
    groups.push_back(group);
  }
  std::string html = "<section><h2>Frames per second, " + threads_text(threads) + "</h2>\n<div class=legend>";
  for (std::size_t d = 0; d < c.devices.size(); ++d)
    html += legend_entry(static_cast<int>(d), !c.devices[d].measured, device_title(c.devices[d]));
  return html + "</div>\n" + chart(groups, "Frames per second, " + threads_text(threads)) + "</section>\n";
}

std::string device_table(const Comparison& c) {
  std::string html =
      "<section><h2>All figures</h2>\n<div class=scroll><table>\n<tr><th>network</th><th "
      "class=t>precision</th><th>threads</th>";
  for (std::size_t d = 0; d < c.devices.size(); ++d) {
    html += "<th class=device>" + html_escape(device_title(c.devices[d])) + ", FPS</th>";
    if (d > 0) html += "<th>to the first</th>";
  }
  html += "</tr>\n";
  for (const ComparisonRow& row : c.rows) {
    const std::string name = html_escape(row.network);
    html += "<tr><td title=\"" + name + "\">" + name + "</td><td class=t>" + html_escape(row.precision) + "</td><td>" +
            std::to_string(row.threads) + "</td>";
    for (std::size_t d = 0; d < row.fps.size(); ++d) {
      const std::string cell = c.devices[d].measured ? "<td>" : "<td class=modelled>";
      html += cell + (row.fps[d] > 0 ? fps_text(row.fps[d]) : "–") + "</td>";
      // A ratio to a modelled first device is modelled too.
      const std::string ratio = c.devices[d].measured && c.devices[0].measured ? "<td>" : "<td class=modelled>";
      if (d > 0) html += ratio + (row.ratio(d) > 0 ? times_text(row.ratio(d)) : "–") + "</td>";
    }
    html += "</tr>\n";
  }
  return html + "</table></div></section>\n";
}

template <class Row>
std::set<int> thread_counts(const std::vector<Row>& rows) {
  std::set<int> counts;
  for (const Row& row : rows) counts.insert(row.threads);
  return counts;
}

}  // namespace

std::string suite_page(const Study& study) {
  std::string html = page_start(study.device) + machine_terms(study);
  for (const auto& [network, reason] : study.failures)
    html += "<p class=note>" + html_escape(network) + " was not measured: " + html_escape(reason) + "</p>\n";
  html += "<p>Frames per second are 1000 / median milliseconds. Runs were interleaved in " +
          std::to_string(study.rounds) + " round" + (study.rounds == 1 ? "" : "s") +
          ". Behind an int8 bar: how many times the speed of float32.</p>\n<div class=grid>\n";
  const std::set<int> counts = thread_counts(study.rows);
  for (int threads : counts) html += speed_chart(study, threads);
  html += memory_chart(study, *counts.begin()) + "</div>\n";
  return html + study_table(study) + "</html>\n";
}

std::string comparison_page(const Comparison& c) {
  std::string html = page_start("Devices side by side");
  bool any_modelled = false;
  for (const Study& device : c.devices) any_modelled = any_modelled || !device.measured;
  if (any_modelled)
    html +=
        "<p class=note>Hatched bars and italic figures are <strong>modelled</strong>: calculated, not measured on "
        "the device. How, stands with each such device.</p>\n";
  for (const std::string& note : c.notes) html += "<p class=note>" + html_escape(note) + "</p>\n";
  html += "<div class=grid>\n";
  for (const Study& device : c.devices)
    html += "<section><h2>" + html_escape(device_title(device)) + "</h2>\n" + machine_terms(device) + "</section>\n";
  html +=
      "</div>\n<p>Every network has a scale of its own, float32 and int8 share it. Behind a bar: frames per second, "
      "and how many times those of the first device.</p>\n<div class=grid>\n";
  for (int threads : thread_counts(c.rows)) html += device_chart(c, threads);
  return html + "</div>\n" + device_table(c) + "</html>\n";
}

}  // namespace dotori::cli
