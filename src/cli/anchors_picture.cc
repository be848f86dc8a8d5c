// SPDX-License-Identifier: Apache-2.0
#include "cli/anchors_picture.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <dotori/vision.h>

#include "cli/cli.h"
#include "cli/report.h"
#include "evaluate/dataset.h"

namespace dotori::cli {
namespace {

using evaluate::AnchorSet;
using evaluate::BoxSize;

constexpr std::size_t kMostPoints = 4000;

std::size_t closest(const BoxSize& box, const AnchorSet& set) {
  std::size_t best = 0;
  for (std::size_t k = 1; k < set.anchors.size(); ++k)
    if (evaluate::size_iou(box, set.anchors[k].size) > evaluate::size_iou(box, set.anchors[best].size)) best = k;
  return best;
}

// Where the axes end: a few huge boxes must not press all others into the corner, but every anchor must fit.
double axis_end(const std::vector<BoxSize>& boxes, const AnchorSet& set) {
  std::vector<double> sides;
  for (const BoxSize& b : boxes) sides.push_back(std::max(b.width, b.height));
  const std::size_t at = (sides.size() - 1) * 995 / 1000;
  std::nth_element(sides.begin(), sides.begin() + static_cast<std::ptrdiff_t>(at), sides.end());
  double end = sides[at];
  for (const evaluate::Anchor& a : set.anchors) end = std::max({end, a.size.width, a.size.height});
  return end * 1.04;
}

// Between marks of an axis: 1, 2 or 5 times a power of ten, for four to ten marks.
double mark_step(double end) {
  const double power = std::pow(10.0, std::floor(std::log10(end / 4)));
  const double part = end / 4 / power;
  return power * (part >= 5 ? 5 : part >= 2 ? 2 : 1);
}

vision::Image draw(const std::vector<BoxSize>& boxes, const AnchorSet& set) {
  constexpr int kSide = 720, kBorder = 24;
  constexpr vision::Color kPage{250, 248, 244}, kAxis{90, 80, 70};
  vision::Image image = vision::make_image(kSide, kSide, kPage);
  const double scale = (kSide - 2 * kBorder) / axis_end(boxes, set);
  const auto paint = [&](int x, int y, vision::Color c, double opacity) {
    if (x < 0 || y < 0 || x >= kSide || y >= kSide) return;
    std::uint8_t* p = image.pixels.data() + 3 * (static_cast<std::size_t>(y) * kSide + static_cast<std::size_t>(x));
    const std::uint8_t mine[3] = {c.r, c.g, c.b};
    for (int i = 0; i < 3; ++i) p[i] = static_cast<std::uint8_t>(p[i] * (1 - opacity) + mine[i] * opacity);
  };
  const auto at_x = [&](double v) { return kBorder + static_cast<int>(std::lround(v * scale)); };
  const auto at_y = [&](double v) { return kSide - kBorder - static_cast<int>(std::lround(v * scale)); };
  for (const BoxSize& b : boxes) {
    const vision::Color c = vision::class_color(static_cast<int>(closest(b, set)));
    for (int dy = -2; dy <= 2; ++dy)
      for (int dx = -2; dx <= 2; ++dx)
        if (dx * dx + dy * dy <= 5) paint(at_x(b.width) + dx, at_y(b.height) + dy, c, 0.35);
  }
  for (std::size_t k = 0; k < set.anchors.size(); ++k) {
    const vision::Color c = vision::class_color(static_cast<int>(k));
    const int right = at_x(set.anchors[k].size.width), top = at_y(set.anchors[k].size.height);
    for (int t = 0; t < 3; ++t) {
      for (int x = kBorder; x <= right; ++x) paint(x, top + t, c, 1);
      for (int y = top; y <= kSide - kBorder; ++y) paint(right - t, y, c, 1);
    }
  }
  for (int i = kBorder; i < kSide - kBorder / 2; ++i) {
    paint(i, kSide - kBorder, kAxis, 1);
    paint(kBorder, kSide - i, kAxis, 1);
  }
  char title[128];
  std::snprintf(title, sizeof title, "%zu boxes, %zu anchors, mean IoU %.3f", boxes.size(), set.anchors.size(),
                set.mean_iou);
  vision::draw_caption(image, std::vector<std::string>{title});
  return image;
}

std::string text_of(const char* format, double x) {
  char text[48];
  std::snprintf(text, sizeof text, format, x);
  return text;
}

// Neighbouring anchors a third of the circle and a little apart.
std::string hue_of(std::size_t k) {
  return std::to_string((k * 137 + 25) % 360);
}

std::string svg(std::vector<BoxSize> boxes, const AnchorSet& set) {
  constexpr double kSide = 640, kBorder = 40;
  const double end = axis_end(boxes, set), scale = (kSide - kBorder) / end, step = mark_step(end);
  const auto x_of = [&](double v) { return text_of("%.1f", kBorder + v * scale); };
  const auto y_of = [&](double v) { return text_of("%.1f", kSide - kBorder - v * scale); };
  std::string html = "<svg viewBox=\"0 -30 660 672\" role=img aria-label=\"box sizes and anchors\">\n";
  for (double mark = 0; mark <= end; mark += step) {
    const std::string label = text_of("%.4g", mark);
    html += "<path class=mark d=\"M" + x_of(mark) + " " + y_of(0) + "V" + y_of(end) + "M" + x_of(0) + " " + y_of(mark) +
            "H" + x_of(end) + "\" /><text text-anchor=middle x=" + x_of(mark) + " y=618>" + label +
            "</text><text text-anchor=end x=34 y=" + text_of("%.1f", kSide - kBorder - mark * scale + 4) + ">" + label +
            "</text>\n";
  }
  html += "<text text-anchor=end x=640 y=636>width, input pixels</text><text x=2 y=-16>height, input pixels</text>\n";
  evaluate::keep_spread(&boxes, kMostPoints);
  for (std::size_t k = 0; k < set.anchors.size(); ++k) {
    html += "<path class=box style=\"--h:" + hue_of(k) + "\" d=\"";
    for (const BoxSize& b : boxes)
      if (closest(b, set) == k && b.width <= end && b.height <= end)
        html += "M" + x_of(b.width) + " " + y_of(b.height) + "h0";
    html += "\" />\n";
  }
  for (std::size_t k = 0; k < set.anchors.size(); ++k) {
    const BoxSize& a = set.anchors[k].size;
    html += "<path class=anchor style=\"--h:" + hue_of(k) + "\" d=\"M" + x_of(0) + " " + y_of(a.height) + "H" +
            x_of(a.width) + "V" + y_of(0) + "\"><title>" + text_of("%.1f", a.width) + " x " +
            text_of("%.1f", a.height) + "</title></path>\n";
  }
  return html + "</svg>\n";
}

std::string page(const std::vector<BoxSize>& boxes, const AnchorSet& set) {
  std::string html =
      "<!doctype html>\n<html lang=en><meta charset=utf-8>\n<meta name=viewport "
      "content=\"width=device-width,initial-scale=1\">\n<title>Anchors</title>\n<style>:root{color-scheme:light dark;"
      "--page:#fff;--ink:#1f2326;--soft:#5c666d;--line:#e3e6e8;--l:42%}@media(prefers-color-scheme:dark){:root{--page:"
      "#16191c;--ink:#e8eaec;--soft:#a0a9b0;--line:#30363b;--l:66%}}body{font:15px/1.5 system-ui,sans-serif;margin:0 "
      "auto;max-width:720px;padding:1.2em 1em "
      "3em;color:var(--ink);background:var(--page)}h1{font-size:1.4em;margin:.2em "
      "0}p{color:var(--soft);margin:.3em 0}svg{display:block;width:100%;margin:1em 0}svg text{font-size:13px;fill:"
      "var(--soft)}.mark{stroke:var(--line)}.box{stroke:hsl(var(--h) 70% "
      "var(--l));stroke-width:5;stroke-linecap:round;stroke-opacity:.35;fill:none}.anchor{stroke:hsl(var(--h) 75% "
      "var(--l));stroke-width:2.5;fill:none}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-"
      "nums}"
      "th,td{text-align:right;padding:4px 8px;border-bottom:1px solid var(--line)}th{color:var(--soft)}td:first-child{"
      "color:hsl(var(--h) 75% var(--l));text-align:left;width:1.5em}</style>\n<h1>" +
      std::to_string(set.anchors.size()) + " anchors for " + std::to_string(boxes.size()) +
      " boxes</h1>\n<p>Mean IoU " + text_of("%.4f", set.mean_iou) + "; " + text_of("%.1f", 100 * set.recall_50) +
      " % of the boxes have an anchor with an IoU of 0.5 or more.</p>\n" + svg(boxes, set);
  if (boxes.size() > kMostPoints)
    html += "<p>" + std::to_string(kMostPoints) + " of the boxes are drawn, spread evenly.</p>\n";
  html += "<table>\n<tr><th></th><th>width</th><th>height</th><th>boxes</th></tr>\n";
  for (std::size_t k = 0; k < set.anchors.size(); ++k) {
    const evaluate::Anchor& a = set.anchors[k];
    html += "<tr style=\"--h:" + hue_of(k) + "\"><td>&#9632;</td><td>" + text_of("%.1f", a.size.width) + "</td><td>" +
            text_of("%.1f", a.size.height) + "</td><td>" + std::to_string(a.boxes) + "</td></tr>\n";
  }
  return html + "</table></html>\n";
}

}  // namespace

Status save_anchors(const std::vector<BoxSize>& boxes, const AnchorSet& set, const std::string& path) {
  if (has_ending(path, ".html")) return write_text(path, page(boxes, set));
  if (has_ending(path, ".png")) return vision::save_png(draw(boxes, set), path);
  return invalid_argument("--save '" + path + "': expected a name that ends in .png or .html");
}

}  // namespace dotori::cli
