// SPDX-License-Identifier: Apache-2.0
#include "cli/report.h"

#include <algorithm>
#include <cstdio>

#include "cli/cli.h"
#include "cli/quantization_report.h"
#include "graph/graph.h"

namespace dotori::cli {
namespace {

constexpr const char* kStyle =
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1100px;padding:0 1em;color:#222}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:1.6em}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:3px 10px 3px 0;border-bottom:1px solid #ddd;vertical-align:top}"
    "td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}.bar{background:#c7843a;height:"
    "9px;display:inline-"
    "block}"
    "table{display:block;overflow-x:auto}svg{width:100%;height:auto;border:1px solid #ddd}svg "
    "text{font-size:11px;fill:#555}"
    "code{background:#f4f0ea;padding:0 3px}figure{margin:0}figcaption{font-size:.9em;overflow-wrap:anywhere}"
    ".grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(320px,1fr));gap:1.2em}";

std::string row(const std::string& key, const std::string& value) {
  return "<tr><th>" + key + "</th><td>" + html_escape(value) + "</td></tr>\n";
}

std::string tensor_text(const TensorInfo& t) {
  return t.name + "  " + data_type_name(t.type) + " " + t.shape.to_string();
}

std::string number(double n) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", n);
  return text;
}

std::string memory_chart(const Model& model, const backends::Plan& plan) {
  constexpr double kWidth = 1000, kHeight = 360;
  const double steps = std::max<double>(1, static_cast<double>(plan.steps.size()));
  const double bytes = std::max<double>(1, static_cast<double>(plan.arena_bytes));
  std::vector<std::string> names(plan.buffers.size(), "scratch");
  for (std::size_t v = 0; v < plan.value_buffers.size(); ++v) {
    const std::int32_t buffer = plan.value_buffers[v];
    if (buffer < 0) continue;
    std::string& name = names[static_cast<std::size_t>(buffer)];
    name = (name == "scratch" ? "" : name + ", ") + model.graph().values()[v].name;
  }
  std::string svg = "<svg viewBox=\"0 0 1000 360\" role=\"img\" aria-label=\"memory plan\">\n";
  for (std::size_t b = 0; b < plan.buffers.size(); ++b) {
    const graph::BufferLifetime& life = plan.buffers[b];
    const double x = life.first_step / steps * kWidth;
    const double w =
        std::min(kWidth - x, (std::min<double>(life.last_step, steps - 1) - life.first_step + 1) / steps * kWidth);
    const double h = static_cast<double>(life.size_bytes) / bytes * kHeight;
    const double y = kHeight - static_cast<double>(plan.buffer_offsets[b]) / bytes * kHeight - h;
    const int hue = static_cast<int>(b * 137 % 360);
    svg += "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(w) + "\" height=\"" + number(h) +
           "\" fill=\"hsl(" + std::to_string(hue) + ",55%,72%)\" stroke=\"#fff\" stroke-width=\"0.5\"><title>" +
           html_escape(names[b]) + ": " + human_bytes(static_cast<double>(life.size_bytes)) + ", steps " +
           std::to_string(life.first_step) + " to " + std::to_string(life.last_step) + "</title></rect>\n";
  }
  return svg + "</svg>\n";
}

std::string node_table(const Model& model, const backends::Plan& plan) {
  std::int64_t most = 1;
  for (const backends::Step& step : plan.steps) most = std::max(most, step.macs);
  std::string html =
      "<table><tr><th class=n>#</th><th>layer</th><th>operator</th><th>kernel</th><th>output</th><th "
      "class=n>MACs</th><th></th></tr>\n";
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    const backends::Step& step = plan.steps[s];
    const graph::Node& node = model.graph().node(step.node);
    const double width = 120.0 * static_cast<double>(step.macs) / static_cast<double>(most);
    std::string name = node.name, op = graph::node_display_name(model.graph(), node);
    const graph::Node* last = &node;
    if (step.region >= 0) {
      const backends::NodeRegion& region = plan.partition.regions[static_cast<std::size_t>(step.region)];
      last = &model.graph().node(region.nodes.back());
      name += " … " + last->name;
      op = "region of " + std::to_string(region.nodes.size());
    }
    if (step.chain >= 0) {
      const std::vector<graph::NodeId>& chain = plan.partition.chains[static_cast<std::size_t>(step.chain)];
      name = model.graph().node(chain.front()).name + " … " + node.name;
      op = "chain of " + std::to_string(chain.size());
    }
    html += "<tr><td class=n>" + std::to_string(s) + "</td><td>" + html_escape(name) + "</td><td>" + op +
            "</td><td><code>" + html_escape(step.kernel) + "</code></td><td>" +
            model.graph().value(last->outputs[0]).type.shape.to_string() + "</td><td class=n>" +
            (step.macs > 0 ? human_count(static_cast<double>(step.macs)) : "") +
            "</td><td><span class=bar style=\"width:" + number(width) + "px\"></span></td></tr>\n";
  }
  return html + "</table>\n";
}

}  // namespace

std::string html_escape(const std::string& text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string page_head(const std::string& title) {
  const std::string text = html_escape(title);
  return "<!doctype html><html lang=en><meta charset=utf-8><title>" + text + "</title><style>" + kStyle +
         "</style>\n<h1>" + text + "</h1>\n";
}

std::string html_report(const Model& model, const backends::Plan& plan) {
  std::int64_t macs = 0;
  for (const backends::Step& step : plan.steps) macs += step.macs;
  std::string html = page_head(model.name().empty() ? "model" : model.name()) + "<table>\n";
  html += row("source", model.graph().source);
  html += row("task", task_name(model.task().task));
  for (const TensorInfo& t : model.inputs()) html += row("input", tensor_text(t));
  for (const TensorInfo& t : model.outputs()) html += row("output", tensor_text(t));
  html += row("parameters", human_count(static_cast<double>(model.graph().parameter_count())));
  html += row("multiply-accumulates", human_count(static_cast<double>(macs)));
  html += row("working memory", human_bytes(static_cast<double>(plan.arena_bytes)));
  html += row("packed weights", human_bytes(static_cast<double>(plan.packed_bytes)));
  html += row("file", human_bytes(static_cast<double>(model.file_bytes())));
  html += "</table>\n";
  if (!model.graph().quantization.empty()) html += quantization_section(model.graph().quantization);
  html +=
      "<h2>Memory plan</h2>\n<p>Steps run from left to right, the arena's bytes from bottom to top; each box "
      "is a "
      "buffer. Point at one for its name.</p>\n";
  html += memory_chart(model, plan) + "<h2>Layers</h2>\n" + node_table(model, plan);
  return html + "</html>\n";
}

}  // namespace dotori::cli
