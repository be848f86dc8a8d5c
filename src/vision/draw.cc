// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include <dotori/vision.h>

#include "vision/font.h"

namespace dotori::vision {
namespace {

constexpr Color kPanelColor{24, 24, 24}, kPanelText{255, 255, 255};

// Sizes that suit an image, in pixels.
struct Style {
  int dot;     // side of a font dot
  int margin;  // around text
  int line;    // thickness of frames
  int advance() const { return (kGlyphColumns + 1) * dot; }
  int text_height() const { return kGlyphRows * dot; }
};

Style style_for(const Image& image) {
  const int side = std::min(image.width, image.height);
  const int dot = std::max(1, (side + 120) / 240);
  return {dot, 2 * dot, std::max(1, (side + 100) / 250)};
}

// Fills [x0, x1) x [y0, y1) as far as it lies inside.
void fill(Image& image, int x0, int y0, int x1, int y1, Color color) {
  x0 = std::max(x0, 0);
  y0 = std::max(y0, 0);
  x1 = std::min(x1, image.width);
  y1 = std::min(y1, image.height);
  if (x0 >= x1) return;
  for (int y = y0; y < y1; ++y) {
    std::uint8_t* p = image.pixels.data() + 3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                                                 static_cast<std::size_t>(x0));
    for (int x = x0; x < x1; ++x, p += 3) {
      p[0] = color.r;
      p[1] = color.g;
      p[2] = color.b;
    }
  }
}

// One character for each UTF-8 sequence; what the font lacks becomes '?'.
std::string to_font(const std::string& text) {
  std::string shown;
  for (char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) continue;
    shown.push_back(c < kFirstGlyph || c > kLastGlyph ? '?' : c);
  }
  return shown;
}

void draw_text(Image& image, int x, int y, const std::string& text, const Style& style, Color color) {
  for (char c : text) {
    if (x >= image.width) return;
    const std::uint8_t* rows = glyph_rows(c);
    for (int row = 0; row < kGlyphRows; ++row)
      for (int column = 0; column < kGlyphColumns; ++column) {
        if ((rows[row] >> (kGlyphColumns - 1 - column) & 1) == 0) continue;
        const int left = x + column * style.dot, top = y + row * style.dot;
        fill(image, left, top, left + style.dot, top + style.dot, color);
      }
    x += style.advance();
  }
}

Color text_color_on(Color back) {
  return 299 * back.r + 587 * back.g + 114 * back.b > 140'000 ? Color{0, 0, 0} : Color{255, 255, 255};
}

// A filled tab with text whose bottom left corner is (x, y), moved and cut so that it stays inside.
void draw_tab(Image& image, int x, int y, const std::string& label, const Style& style, Color back) {
  const int most = std::max(0, (image.width - 2 * style.margin + style.dot) / style.advance());
  const std::string text = to_font(label).substr(0, static_cast<std::size_t>(most));
  if (text.empty()) return;
  const int width = static_cast<int>(text.size()) * style.advance() - style.dot + 2 * style.margin;
  const int height = style.text_height() + 2 * style.margin - style.dot;
  x = std::clamp(x, 0, std::max(0, image.width - width));
  y = std::clamp(y, std::min(height, image.height), image.height);
  fill(image, x, y - height, x + width, y, back);
  draw_text(image, x + style.margin, y - height + style.margin, text, style, text_color_on(back));
}

// Coordinates as ints that leave room for sums; any number but NaN is safe.
constexpr int kFarAway = 1'000'000;
int to_pixel(float v) {
  return static_cast<int>(std::lround(std::clamp(v, static_cast<float>(-kFarAway), static_cast<float>(kFarAway))));
}
int to_pixel(int v) {
  return std::clamp(v, -kFarAway, kFarAway);
}

void draw_frame(Image& image, int x0, int y0, int x1, int y1, const Style& style, Color color) {
  // A thin dark rim keeps the frame visible on ground of its own colour.
  const int t = style.line;
  const int inner = std::max(1, t / 3);
  const Color rim{static_cast<std::uint8_t>(color.r / 3), static_cast<std::uint8_t>(color.g / 3),
                  static_cast<std::uint8_t>(color.b / 3)};
  const auto ring = [&](int inset, int thickness, Color c) {
    const int left = x0 + inset, top = y0 + inset, right = x1 - inset, bottom = y1 - inset;
    if (left >= right || top >= bottom) return;
    fill(image, left, top, right, std::min(top + thickness, bottom), c);
    fill(image, left, std::max(bottom - thickness, top), right, bottom, c);
    fill(image, left, top, std::min(left + thickness, right), bottom, c);
    fill(image, std::max(right - thickness, left), top, right, bottom, c);
  };
  if (t >= 2) ring(t, inner, rim);
  ring(0, t, color);
}

std::string label_of(int class_index, Span<const std::string> labels) {
  if (class_index >= 0 && static_cast<std::size_t>(class_index) < labels.size())
    return labels[static_cast<std::size_t>(class_index)];
  return "class " + std::to_string(class_index);
}

std::string percent(float score, int digits) {
  char text[32];
  const double shown = std::isfinite(score) ? std::clamp(100.0 * score, -999.0, 999.0) : 0.0;
  std::snprintf(text, sizeof(text), "%.*f%%", digits, shown);
  return text;
}

}  // namespace

Color class_color(int class_index) noexcept {
  // Hues a golden angle apart never come close for neighbours. They do for indices 8, 13 or 21 apart, which brightness
  // and saturation tell from each other.
  const std::uint32_t n = static_cast<std::uint32_t>(class_index);
  constexpr double kGoldenTurn = 0.61803398874989485;
  const double turn = (n & 0xFFFF) * kGoldenTurn + 0.02;
  const double hue = 6 * (turn - std::floor(turn));
  constexpr double kValues[] = {1.0, 0.7, 0.85};
  const double saturation = n / 5 % 2 == 0 ? 0.9 : 0.6, value = kValues[n / 8 % 3];
  const auto channel = [&](double shift) {
    // HSV to RGB: each channel is a trapezium over the hue.
    const double k = std::fmod(shift + hue, 6.0);
    const double part = std::clamp(std::min(k, 4 - k), 0.0, 1.0);
    return static_cast<std::uint8_t>(std::lround(255 * value * (1 - saturation * part)));
  };
  return {channel(5), channel(3), channel(1)};
}

void draw_boxes(Image& image, Span<const Box> boxes, Span<const std::string> labels) {
  if (!image.valid()) return;
  const Style style = style_for(image);
  // The best last, on top of the others.
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const Box& b = boxes[i];
    if (!std::isnan(b.x0) && !std::isnan(b.y0) && !std::isnan(b.x1) && !std::isnan(b.y1) && !std::isnan(b.score))
      order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return boxes[a].score < boxes[b].score; });
  for (std::size_t i : order) {
    const Box& b = boxes[i];
    draw_frame(image, to_pixel(b.x0), to_pixel(b.y0), to_pixel(b.x1), to_pixel(b.y1), style,
               class_color(b.class_index));
  }
  // Tabs after all frames, so that no frame runs through a text.
  for (std::size_t i : order) {
    const Box& b = boxes[i];
    draw_tab(image, to_pixel(b.x0), to_pixel(b.y0), label_of(b.class_index, labels) + " " + percent(b.score, 0), style,
             class_color(b.class_index));
  }
}

Status overlay_mask(Image& image, const Mask& mask, float opacity) {
  if (!image.valid() || !mask.valid() || image.width != mask.width || image.height != mask.height)
    return invalid_argument("a mask of " + std::to_string(mask.width) + "x" + std::to_string(mask.height) +
                            " does not fit an image of " + std::to_string(image.width) + "x" +
                            std::to_string(image.height));
  if (!(opacity >= 0 && opacity <= 1))
    return invalid_argument("opacity must be in 0..1, found " + std::to_string(opacity));
  const int part = static_cast<int>(std::lround(opacity * 256));
  Color colors[256];
  for (int c = 0; c < 256; ++c) colors[c] = class_color(c);
  const auto mix = [part](std::uint8_t under, std::uint8_t over) {
    return static_cast<std::uint8_t>((under * (256 - part) + over * part + 128) >> 8);
  };
  std::uint8_t* p = image.pixels.data();
  for (std::uint8_t class_index : mask.classes) {
    if (class_index != 0) {
      const Color& color = colors[class_index];
      p[0] = mix(p[0], color.r);
      p[1] = mix(p[1], color.g);
      p[2] = mix(p[2], color.b);
    }
    p += 3;
  }
  return {};
}

void draw_regions(Image& image, Span<const Region> regions, Span<const std::string> labels) {
  if (!image.valid()) return;
  const Style style = style_for(image);
  for (std::size_t i = regions.size(); i-- > 0;) {
    const Region& r = regions[i];
    draw_frame(image, to_pixel(r.x0), to_pixel(r.y0), to_pixel(r.x1), to_pixel(r.y1), style,
               class_color(r.class_index));
  }
  for (std::size_t i = regions.size(); i-- > 0;) {
    const Region& r = regions[i];
    draw_tab(image, to_pixel(r.x0), to_pixel(r.y0),
             label_of(r.class_index, labels) + ", " + std::to_string(r.pixels) + " px", style,
             class_color(r.class_index));
  }
}

Status draw_region_outlines(Image& image, const Mask& mask, Span<const Region> regions) {
  if (!image.valid() || !mask.valid() || image.width != mask.width || image.height != mask.height)
    return invalid_argument("a mask of " + std::to_string(mask.width) + "x" + std::to_string(mask.height) +
                            " does not fit an image of " + std::to_string(image.width) + "x" +
                            std::to_string(image.height));
  Style style = style_for(image);
  const auto at = [&](int x, int y) {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(mask.width) + static_cast<std::size_t>(x);
  };
  const auto inside = [&](int x, int y) { return x >= 0 && y >= 0 && x < mask.width && y < mask.height; };
  std::vector<bool> seen(mask.classes.size());
  std::vector<std::pair<int, int>> stack;
  for (const Region& r : regions) {
    if (!inside(r.first_x, r.first_y) || seen[at(r.first_x, r.first_y)]) continue;
    const std::uint8_t class_index = mask.classes[at(r.first_x, r.first_y)];
    const Color color = class_color(r.class_index);
    stack.assign(1, {r.first_x, r.first_y});
    seen[at(r.first_x, r.first_y)] = true;
    while (!stack.empty()) {
      const auto [x, y] = stack.back();
      stack.pop_back();
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx) {
          if (!inside(x + dx, y + dy) || seen[at(x + dx, y + dy)] || mask.classes[at(x + dx, y + dy)] != class_index)
            continue;
          seen[at(x + dx, y + dy)] = true;
          stack.emplace_back(x + dx, y + dy);
        }
      const auto is_outside = [&](int side_x, int side_y) {
        return !inside(side_x, side_y) || mask.classes[at(side_x, side_y)] != class_index;
      };
      if (is_outside(x - 1, y) || is_outside(x + 1, y) || is_outside(x, y - 1) || is_outside(x, y + 1)) {
        const int before = (style.line - 1) / 2;
        fill(image, x - before, y - before, x - before + style.line, y - before + style.line, color);
      }
    }
  }
  // Numbers on top of all outlines, the largest region's last. Many of them must not hide the picture: smaller than
  // other text.
  style.dot = std::max(1, style.dot / 2);
  style.margin = style.dot;
  for (std::size_t i = regions.size(); i-- > 0;) {
    const Region& r = regions[i];
    draw_tab(image, to_pixel(r.x1), to_pixel(r.y0), std::to_string(i + 1), style, class_color(r.class_index));
  }
  return {};
}

void draw_caption(Image& image, Span<const std::string> lines) {
  if (!image.valid() || lines.empty()) return;
  const Style style = style_for(image);
  const int spacing = style.text_height() + 2 * style.dot;
  const int most_columns = std::max(0, (image.width - 2 * style.margin + style.dot) / style.advance());
  const int most_lines = std::max(0, (image.height - 2 * style.margin) / spacing);
  std::vector<std::string> shown;
  std::size_t columns = 0;
  for (const std::string& line : lines) {
    if (shown.size() >= static_cast<std::size_t>(most_lines)) break;
    shown.push_back(to_font(line).substr(0, static_cast<std::size_t>(most_columns)));
    columns = std::max(columns, shown.back().size());
  }
  if (columns == 0) return;
  fill(image, 0, 0, static_cast<int>(columns) * style.advance() - style.dot + 2 * style.margin,
       static_cast<int>(shown.size()) * spacing + 2 * style.margin - style.dot, kPanelColor);
  int y = style.margin;
  for (const std::string& line : shown) {
    draw_text(image, style.margin, y, line, style, kPanelText);
    y += spacing;
  }
}

void draw_classes(Image& image, Span<const ClassScore> classes, Span<const std::string> labels) {
  std::vector<std::string> lines;
  for (const ClassScore& c : classes) lines.push_back(label_of(c.index, labels) + " " + percent(c.score, 1));
  draw_caption(image, lines);
}

}  // namespace dotori::vision
