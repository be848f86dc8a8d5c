// SPDX-License-Identifier: Apache-2.0
// draw_pictures FOLDER: three drawn pictures for the systems of this folder, so that they can be tried without photos:
// a heap of oranges, a blood smear, a section of tissue under the electron microscope. They only look like the real
// thing; accuracy is measured on photos.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <dotori/vision.h>

namespace {

using dotori::vision::Image;

// A fixed sequence (Numerical Recipes' linear congruential generator): the same pictures everywhere.
class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed) {}
  float next() {  // 0..1
    state_ = state_ * 1664525u + 1013904223u;
    return static_cast<float>(state_ >> 8) * (1.0f / 16777216.0f);
  }
  float between(float low, float high) { return low + (high - low) * next(); }

 private:
  std::uint32_t state_;
};

// Smooth noise, about -1..1: random values on a lattice of `cell` pixels, blended.
float noise(float x, float y, float cell, std::uint32_t seed) {
  const float u = x / cell, v = y / cell;
  const float i = std::floor(u), j = std::floor(v);
  const auto at = [&](float a, float b) {
    Random random(seed ^ (static_cast<std::uint32_t>(static_cast<int>(a)) * 73856093u) ^
                  (static_cast<std::uint32_t>(static_cast<int>(b)) * 19349663u));
    random.next();
    return random.between(-1, 1);
  };
  const float s = (u - i) * (u - i) * (3 - 2 * (u - i)), t = (v - j) * (v - j) * (3 - 2 * (v - j));
  const float top = at(i, j) * (1 - s) + at(i + 1, j) * s, bottom = at(i, j + 1) * (1 - s) + at(i + 1, j + 1) * s;
  return top * (1 - t) + bottom * t;
}

float smooth_step(float low, float high, float x) {
  const float t = std::clamp((x - low) / (high - low), 0.0f, 1.0f);
  return t * t * (3 - 2 * t);
}

// Blends a colour (0..255) over pixel (x, y).
void blend(Image& image, int x, int y, float r, float g, float b, float opacity) {
  if (x < 0 || y < 0 || x >= image.width || y >= image.height) return;
  std::uint8_t* p = image.pixels.data() + 3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                                               static_cast<std::size_t>(x));
  const float colour[3] = {r, g, b};
  for (int c = 0; c < 3; ++c)
    p[c] = static_cast<std::uint8_t>(
        std::clamp(static_cast<float>(p[c]) * (1 - opacity) + colour[c] * opacity, 0.0f, 255.0f));
}

template <class Paint>
void each_pixel(float cx, float cy, float reach, Paint&& paint) {
  for (int y = static_cast<int>(cy - reach); y <= static_cast<int>(cy + reach); ++y)
    for (int x = static_cast<int>(cx - reach); x <= static_cast<int>(cx + reach); ++x)
      paint(x, y, static_cast<float>(x) + 0.5f - cx, static_cast<float>(y) + 0.5f - cy);
}

Image oranges() {
  Image image = dotori::vision::make_image(720, 720, {58, 48, 40});
  Random random(5);
  struct Fruit {
    float x, y, r;
  };
  std::vector<Fruit> heap;
  for (int row = 0; row < 6; ++row)
    for (int column = 0; column < 6; ++column)
      heap.push_back({static_cast<float>(column) * 150 + (row % 2 ? 10 : -65) + random.between(-16, 16),
                      static_cast<float>(row) * 135 + random.between(-14, 14), random.between(84, 104)});
  for (const Fruit& f : heap) {
    const float tone = random.between(0.92f, 1.04f), stem_x = random.between(-0.5f, 0.5f),
                stem_y = random.between(-0.5f, 0.5f);
    each_pixel(f.x, f.y, f.r * 1.1f, [&](int x, int y, float dx, float dy) {
      const float d = std::sqrt(dx * dx + dy * dy) / f.r;
      if (d < 1.1f) blend(image, x, y, 20, 8, 0, 0.5f * (1 - smooth_step(0.9f, 1.1f, d)));
      const float inside = 1 - smooth_step(0.97f, 1.0f, d);
      if (inside <= 0) return;
      const float height = std::sqrt(std::max(0.0f, 1 - d * d));
      const float light = 0.45f + 0.6f * std::clamp((-dx * 0.35f - dy * 0.5f) / f.r + height * 0.75f, 0.0f, 1.0f);
      const float peel = 1 + 0.06f * noise(static_cast<float>(x), static_cast<float>(y), 5, 77) +
                         0.05f * noise(static_cast<float>(x), static_cast<float>(y), 40, 78);
      blend(image, x, y, 288 * light * peel * tone, 126 * light * peel, 14 * light, inside);
      const float glint =
          std::exp(-((dx / f.r + 0.3f) * (dx / f.r + 0.3f) + (dy / f.r + 0.42f) * (dy / f.r + 0.42f)) * 28);
      blend(image, x, y, 255, 226, 160, 0.5f * glint * inside);
      const float stem = std::hypot(dx / f.r - stem_x, dy / f.r - stem_y);
      blend(image, x, y, 120, 84, 20, 0.7f * (1 - smooth_step(0.03f, 0.08f, stem)) * inside);
    });
  }
  return image;
}

Image smear() {
  Image image = dotori::vision::make_image(640, 480, {214, 216, 206});
  Random random(11);
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      const float shade = 6 * noise(static_cast<float>(x), static_cast<float>(y), 160, 3) +
                          2 * noise(static_cast<float>(x), static_cast<float>(y), 2, 4);
      blend(image, x, y, 214 + shade, 216 + shade, 206 + shade, 1);
    }
  struct Cell {
    float x, y, r;
  };
  std::vector<Cell> placed = {{420, 330, 95}};
  for (int attempt = 0; attempt < 4000 && placed.size() < 17; ++attempt) {
    const Cell c = {random.between(30, 610), random.between(30, 450), random.between(43, 52)};
    const bool apart = std::all_of(placed.begin(), placed.end(), [&](const Cell& o) {
      return std::hypot(o.x - c.x, o.y - c.y) > 0.93f * (o.r + c.r);
    });
    if (apart) placed.push_back(c);
  }
  for (std::size_t i = 1; i < placed.size(); ++i) {
    const Cell& c = placed[i];
    const float wobble = random.between(0, 6.28f), stretch = random.between(0.9f, 1.1f);
    each_pixel(c.x, c.y, c.r * 1.3f, [&](int x, int y, float dx, float dy) {
      const float angle = std::atan2(dy, dx);
      const float r = c.r * (1 + 0.04f * std::sin(2 * angle + wobble) + 0.025f * std::sin(5 * angle + wobble));
      const float d = std::hypot(dx * stretch, dy / stretch) / r;
      const float inside = 1 - smooth_step(0.95f, 1.02f, d);
      const float pale = 1 - smooth_step(0.1f, 0.6f, d), rim = smooth_step(0.8f, 0.95f, d);
      const float grain = 4 * noise(static_cast<float>(x), static_cast<float>(y), 3, 9);
      blend(image, x, y, 186 + 24 * pale - 18 * rim + grain, 142 + 50 * pale - 20 * rim + grain,
            146 + 36 * pale - 14 * rim + grain, 0.92f * inside);
    });
  }
  const Cell& white = placed[0];
  each_pixel(white.x, white.y, white.r * 1.2f, [&](int x, int y, float dx, float dy) {
    const float d =
        std::hypot(dx, dy) / (white.r * (1 + 0.05f * noise(static_cast<float>(x), static_cast<float>(y), 40, 21)));
    blend(image, x, y, 208, 186, 210, 0.8f * (1 - smooth_step(0.9f, 1.0f, d)));
    float nucleus = 0;
    for (const auto& lobe : {Cell{-32, -18, 36}, Cell{14, -30, 34}, Cell{30, 14, 38}, Cell{-12, 26, 34}})
      nucleus = std::max(nucleus, 1 - smooth_step(0.85f, 1.05f, std::hypot(dx - lobe.x, dy - lobe.y) / lobe.r));
    const float grain = 14 * noise(static_cast<float>(x), static_cast<float>(y), 7, 31);
    blend(image, x, y, 112 + grain, 82 + grain, 178 + grain, 0.95f * nucleus);
  });
  for (int i = 0; i < 6; ++i) {
    const Cell c = {random.between(30, 610), random.between(30, 450), random.between(10, 14)};
    const bool apart = std::all_of(placed.begin(), placed.end(),
                                   [&](const Cell& o) { return std::hypot(o.x - c.x, o.y - c.y) > o.r + c.r; });
    if (!apart) continue;
    each_pixel(c.x, c.y, c.r * 1.2f, [&](int x, int y, float dx, float dy) {
      blend(image, x, y, 138, 104, 178, 0.85f * (1 - smooth_step(0.6f, 1.0f, std::hypot(dx, dy) / c.r)));
    });
  }
  return image;
}

Image tissue() {
  Image image = dotori::vision::make_image(512, 512, {160, 160, 160});
  Random random(23);
  struct Seed {
    float x, y, pull, tone;
  };
  std::vector<Seed> seeds;
  for (int i = 0; i < 46; ++i)
    seeds.push_back(
        {random.between(-40, 552), random.between(-40, 552), random.between(0, 34), random.between(-10, 10)});
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      const float fx = static_cast<float>(x), fy = static_cast<float>(y);
      const float px = fx + 14 * noise(fx, fy, 60, 41) + 4 * noise(fx, fy, 18, 42),
                  py = fy + 14 * noise(fx, fy, 60, 43) + 4 * noise(fx, fy, 18, 44);
      float nearest = 1e9f, second = 1e9f, tone = 0;
      for (const Seed& s : seeds) {
        const float d = std::hypot(px - s.x, py - s.y) - s.pull;
        if (d < nearest) {
          second = nearest;
          nearest = d;
          tone = s.tone;
        } else {
          second = std::min(second, d);
        }
      }
      const float wall = 1 - smooth_step(2.0f, 7.0f, second - nearest);
      const float texture = 14 * noise(fx, fy, 9, 51) + 16 * noise(fx, fy, 3, 52) + 22 * noise(fx, fy, 1.3f, 53);
      const float gray = (165 + tone + texture) * (1 - wall) + (70 + 0.5f * texture) * wall;
      blend(image, x, y, gray, gray, gray, 1);
    }
  return image;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: draw_pictures FOLDER\nWrites oranges.png, smear.png and tissue.png.\n");
    return 2;
  }
  const std::string folder = argv[1];
  const struct {
    const char* name;
    Image image;
  } pictures[] = {{"oranges", oranges()}, {"smear", smear()}, {"tissue", tissue()}};
  for (const auto& picture : pictures) {
    const std::string path = folder + "/" + picture.name + ".png";
    const dotori::Status status = dotori::vision::save_png(picture.image, path);
    if (!status.ok()) {
      std::fprintf(stderr, "draw_pictures: %s\n", status.message().c_str());
      return 1;
    }
    std::printf("%s\n", path.c_str());
  }
  return 0;
}
