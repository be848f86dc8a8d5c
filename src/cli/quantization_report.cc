// SPDX-License-Identifier: Apache-2.0
#include "cli/quantization_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/report.h"

namespace dotori::cli {
namespace {

std::string text_of(const char* format, double x) {
  char text[48];
  std::snprintf(text, sizeof(text), format, x);
  return text;
}

std::string row(const char* key, const std::string& value) {
  return std::string("<tr><th>") + key + "</th><td>" + html_escape(value) + "</td></tr>\n";
}

std::string size_text(const graph::QuantizationReport& r) {
  std::string text = human_bytes(static_cast<double>(r.bytes_after));
  if (r.bytes_before > 0) {
    text += ", float32 " + human_bytes(static_cast<double>(r.bytes_before)) + " (" +
            text_of("%.2f", static_cast<double>(r.bytes_after) / static_cast<double>(r.bytes_before)) + " of it)";
  }
  return text;
}

std::size_t count_bits(const graph::QuantizationReport& r, int bits) {
  return static_cast<std::size_t>(
      std::count_if(r.nodes.begin(), r.nodes.end(), [&](const graph::QuantizedNode& n) { return n.bits == bits; }));
}

// Below 20 dB a tenth of what a layer says is noise.
const char* bar_color(const graph::QuantizedNode& n) {
  if (n.bits == 32) return "#9aa5ad";
  return n.sqnr_db < 10 ? "#b3402e" : n.sqnr_db < 20 ? "#c7843a" : "#6f8f4e";
}

// Both distributions over the same range, one line each, heights by the root so that rare values show.
std::string drawing(const quantize::NodeHistogram& node) {
  constexpr double kWidth = 480, kHeight = 130, kFoot = 18;
  const std::size_t bins = node.fp32.counts.size();
  double most = 1;
  for (std::size_t b = 0; b < bins; ++b) {
    most = std::max({most, static_cast<double>(node.fp32.counts[b]), static_cast<double>(node.int8.counts[b])});
  }
  const auto x_of = [&](double b) { return text_of("%.1f", b / static_cast<double>(bins) * kWidth); };
  const auto y_of = [&](std::uint32_t n) {
    return text_of("%.1f", kHeight - std::sqrt(static_cast<double>(n) / most) * (kHeight - 8));
  };
  std::string svg = "<svg viewBox=\"0 0 480 148\" role=\"img\" aria-label=\"distribution of " + html_escape(node.name) +
                    "\">\n<path d=\"M0 130";
  for (std::size_t b = 0; b < bins; ++b) {
    svg +=
        "L" + x_of(static_cast<double>(b)) + " " + y_of(node.fp32.counts[b]) + "H" + x_of(static_cast<double>(b + 1));
  }
  svg += "V130Z\" fill=\"#d9cdbb\"/>\n<path d=\"M0 130";
  for (std::size_t b = 0; b < bins; ++b) {
    svg += "V" + y_of(node.int8.counts[b]) + "H" + x_of(static_cast<double>(b + 1));
  }
  svg += "V130\" fill=\"none\" stroke=\"#8a3f16\" stroke-width=\"1\"/>\n";
  svg += "<text x=\"2\" y=\"" + text_of("%.0f", kHeight + kFoot - 4) + "\">" +
         text_of("%.4g", static_cast<double>(node.fp32.low)) + "</text><text x=\"478\" y=\"" +
         text_of("%.0f", kHeight + kFoot - 4) + "\" text-anchor=\"end\">" +
         text_of("%.4g", static_cast<double>(node.fp32.high)) + "</text>";
  return svg + "</svg>\n";
}

}  // namespace

std::string accuracy_text(const graph::QuantizationReport& r) {
  if (!r.measured()) return "not measured";
  std::string text = r.metric + " " + text_of("%.2f", r.before) + " % before, " + text_of("%.2f", r.after) + " % after";
  text += " (" + text_of("%+.2f", r.after - r.before);
  if (r.max_drop >= 0) text += ", at most -" + text_of("%.2f", r.max_drop) + " allowed";
  text += ")";
  if (r.metric_samples > 0) text += " on " + std::to_string(r.metric_samples) + " photos";
  return text;
}

Json quantization_json(const graph::QuantizationReport& r) {
  Json json = {{"method", r.method}, {"calibration_samples", r.calibration_samples}};
  if (r.measured()) {
    json["accuracy"] = {{"metric", r.metric}, {"samples", r.metric_samples}, {"before", r.before}, {"after", r.after},
                        {"drop", r.drop()},   {"max_drop", Json()}};
    if (r.max_drop >= 0) json["accuracy"]["max_drop"] = r.max_drop;
  } else {
    json["accuracy"] = Json();
  }
  json["file_bytes_before"] = r.bytes_before;
  json["file_bytes_after"] = r.bytes_after;
  json["layers"] = Json::array();
  for (const graph::QuantizedNode& n : r.nodes) {
    json["layers"].push_back({{"name", n.name},
                              {"bits", n.bits},
                              {"sqnr_db", n.sqnr_db},
                              {"scale", n.scale},
                              {"zero_point", n.zero_point},
                              {"range", graph::range_method_name(n.range)}});
  }
  return json;
}

std::string quantization_section(const graph::QuantizationReport& r) {
  std::string html = "<h2>Quantisation</h2>\n<table>\n";
  html += row("method", r.method);
  html += row("calibrated on", std::to_string(r.calibration_samples) + " samples");
  html += row("accuracy", accuracy_text(r));
  html += row("file", size_text(r));
  html += row("layers", std::to_string(count_bits(r, 8)) + " int8, " + std::to_string(count_bits(r, 32)) + " float32");
  html +=
      "</table>\n<p>Signal to noise compares each layer of the int8 network with the same layer in float32, noise from "
      "the layers before it included. 20 dB: a hundredth of the signal's energy is noise.</p>\n"
      "<table><tr><th>layer</th><th class=n>bits</th><th class=n>signal / noise</th><th></th><th "
      "class=n>scale</th><th class=n>zero point</th><th>range by</th></tr>\n";
  for (const graph::QuantizedNode& n : r.nodes) {
    const double width = std::clamp(static_cast<double>(n.sqnr_db), 0.0, 60.0) * 2;
    html += "<tr><td>" + html_escape(n.name) + "</td><td class=n>" + std::to_string(n.bits) + "</td><td class=n>" +
            text_of("%.1f dB", static_cast<double>(n.sqnr_db)) +
            "</td><td><span class=bar style=\"width:" + text_of("%.0f", width) + "px;background:" + bar_color(n) +
            "\"></span></td>";
    if (n.bits == 8) {
      html += "<td class=n>" + text_of("%.5g", static_cast<double>(n.scale)) + "</td><td class=n>" +
              std::to_string(n.zero_point) + "</td><td>" + graph::range_method_name(n.range) + "</td></tr>\n";
    } else {
      html += "<td></td><td></td><td></td></tr>\n";
    }
  }
  return html + "</table>\n";
}

std::string quantization_page(const std::string& title, const graph::QuantizationReport& r,
                              const std::vector<quantize::NodeHistogram>& worst) {
  std::string html = page_head(title + ", quantised");
  html += quantization_section(r);
  if (!worst.empty()) {
    html +=
        "<h2>The noisiest layers</h2>\n<p>What they write: filled in float32, as a line in int8. Heights are square "
        "roots of counts.</p>\n<div class=grid>\n";
    for (const quantize::NodeHistogram& node : worst) {
      const auto entry = std::find_if(r.nodes.begin(), r.nodes.end(),
                                      [&](const graph::QuantizedNode& n) { return n.name == node.name; });
      html += "<figure>" + drawing(node) + "<figcaption>" + html_escape(node.name);
      if (entry != r.nodes.end()) html += ", " + text_of("%.1f dB", static_cast<double>(entry->sqnr_db));
      html += "</figcaption></figure>\n";
    }
    html += "</div>\n";
  }
  return html + "</html>\n";
}

}  // namespace dotori::cli
