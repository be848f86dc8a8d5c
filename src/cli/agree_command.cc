// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <dotori/vision.h>

#include "cli/cli.h"
#include "cli/cores_option.h"
#include "cli/filter_option.h"
#include "evaluate/agreement.h"
#include "evaluate/dataset.h"

namespace dotori::cli {
namespace {

struct AgreeOptions {
  std::string a, b, images, save;
  evaluate::AgreementOptions compare;
  bool json = false;
};

constexpr vision::Color kDifferent{255, 0, 255};

// Frames of the boxes only one of the models found; drawn thick, around the frames of draw_boxes().
void mark_box(vision::Image* picture, const vision::Box& box) {
  const int thickness = std::max(3, std::min(picture->width, picture->height) / 100);
  const auto clamp = [](float v, int size) { return std::clamp(static_cast<int>(v), 0, size); };
  const int x0 = clamp(box.x0, picture->width), x1 = clamp(box.x1, picture->width);
  const int y0 = clamp(box.y0, picture->height), y1 = clamp(box.y1, picture->height);
  for (int y = y0; y < y1; ++y)
    for (int x = x0; x < x1; ++x) {
      if (x >= x0 + thickness && x < x1 - thickness && y >= y0 + thickness && y < y1 - thickness) continue;
      std::uint8_t* p =
          picture->pixels.data() +
          3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(picture->width) + static_cast<std::size_t>(x));
      p[0] = kDifferent.r;
      p[1] = kDifferent.g;
      p[2] = kDifferent.b;
    }
}

// Two thirds of the colour, so that the tint below still tells the class.
void mark_pixels(vision::Image* picture, const vision::Mask& a, const vision::Mask& b) {
  for (std::size_t i = 0; i < a.classes.size(); ++i) {
    if (a.classes[i] == b.classes[i]) continue;
    const std::uint8_t mark[3] = {kDifferent.r, kDifferent.g, kDifferent.b};
    for (std::size_t c = 0; c < 3; ++c) {
      std::uint8_t& p = picture->pixels[3 * i + c];
      p = static_cast<std::uint8_t>((p + 2 * mark[c]) / 3);
    }
  }
}

Status draw_answer(vision::Image* picture, const TaskInfo& task, const evaluate::Answer& own,
                   const evaluate::Answer& other, Span<const std::size_t> unpaired) {
  if (task.task == Task::kClassification) {
    vision::draw_classes(*picture, own.top, task.labels);
  } else if (task.task == Task::kDetection) {
    for (std::size_t i : unpaired) mark_box(picture, own.boxes[i]);
    vision::draw_boxes(*picture, own.boxes, task.labels);
  } else {
    DOTORI_RETURN_IF_ERROR(vision::overlay_mask(*picture, own.mask));
    mark_pixels(picture, own.mask, other.mask);
  }
  return Status();
}

// A's picture, a gap in the colour of the verdict, B's picture.
vision::Image side_by_side(const vision::Image& a, const vision::Image& b, bool same) {
  const int gap = std::max(4, a.width / 100);
  vision::Image both = vision::make_image(2 * a.width + gap, a.height, same ? vision::Color{0, 160, 0} : kDifferent);
  const std::size_t row = std::size_t{3} * static_cast<std::size_t>(a.width);
  const std::size_t stride = std::size_t{3} * static_cast<std::size_t>(both.width);
  for (std::size_t y = 0; y < static_cast<std::size_t>(a.height); ++y) {
    std::copy_n(a.pixels.begin() + static_cast<std::ptrdiff_t>(y * row), row,
                both.pixels.begin() + static_cast<std::ptrdiff_t>(y * stride));
    std::copy_n(b.pixels.begin() + static_cast<std::ptrdiff_t>(y * row), row,
                both.pixels.begin() + static_cast<std::ptrdiff_t>(y * stride + stride - row));
  }
  return both;
}

std::vector<std::size_t> all_but(std::size_t count, const std::vector<std::size_t>& paired) {
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < count; ++i)
    if (std::find(paired.begin(), paired.end(), i) == paired.end()) rest.push_back(i);
  return rest;
}

// Draws the photos of one comparison into a folder, under the names of the photos.
class Pictures {
 public:
  Pictures(const Model& a, const Model& b, const AgreeOptions& o)
      : tasks_{a.task(), b.task()}, folder_(o.save), images_(o.images) {}

  Status save(const vision::Image& photo, const evaluate::Answer& a, const evaluate::Answer& b,
              const evaluate::PhotoAgreement& result) const {
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    evaluate::box_agreement(a.boxes, b.boxes, &pairs);
    std::vector<std::size_t> paired_a, paired_b;
    for (const auto& [i, j] : pairs) {
      paired_a.push_back(i);
      paired_b.push_back(j);
    }
    vision::Image left = photo, right = photo;
    DOTORI_RETURN_IF_ERROR(draw_answer(&left, tasks_[0], a, b, all_but(a.boxes.size(), paired_a)));
    DOTORI_RETURN_IF_ERROR(draw_answer(&right, tasks_[1], b, a, all_but(b.boxes.size(), paired_b)));
    char text[16];
    std::snprintf(text, sizeof(text), "%.1f%%", result.percent);
    if (tasks_[0].task != Task::kClassification) {
      vision::draw_caption(left, std::vector<std::string>{std::string("A  ") + text});
      vision::draw_caption(right, std::vector<std::string>{"B"});
    }
    DOTORI_ASSIGN_OR_RETURN(const std::string path, picture_path(result.photo));
    return vision::save_png(side_by_side(left, right, result.percent == 100), path);
  }

 private:
  // The photo's place below the folder of the photos, so that equal names in two folders stay apart.
  Result<std::string> picture_path(const std::string& photo) const {
    namespace fs = std::filesystem;
    fs::path path = fs::path(folder_) / fs::path(photo).lexically_relative(images_);
    path += ".png";
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) return io_error("--save '" + folder_ + "': cannot be made: " + error.message());
    return path.string();
  }

  const TaskInfo tasks_[2];
  std::string folder_, images_;
};

Status agree(const AgreeOptions& o) {
  DOTORI_ASSIGN_OR_RETURN(const Model a, Model::load_file(o.a));
  DOTORI_ASSIGN_OR_RETURN(const Model b, Model::load_file(o.b));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::string> photos, evaluate::list_photos(o.images));
  evaluate::AgreementOptions options = o.compare;
  evaluate::Agreement result;
  {
    const Pictures pictures(a, b, o);
    ProgressBar bar("photos", options.limit == 0 ? photos.size() : std::min(options.limit, photos.size()));
    options.each = [&](const vision::Image& photo, const evaluate::Answer& answer_a, const evaluate::Answer& answer_b,
                       const evaluate::PhotoAgreement& one) {
      bar.advance();
      return o.save.empty() ? Status() : pictures.save(photo, answer_a, answer_b, one);
    };
    DOTORI_ASSIGN_OR_RETURN(result, evaluate::agreement(a, b, photos, options));
  }
  const evaluate::Statistics& s = result.percent;
  const bool masks = result.task == Task::kSegmentation, classes = result.task == Task::kClassification;
  if (o.json) {
    Json json = {{"a", o.a},       {"b", o.b},   {"task", task_name(result.task)}, {"count", s.count},
                 {"mean", s.mean}, {"sd", s.sd}, {"variance", s.variance},         {"min", s.min},
                 {"max", s.max}};
    if (masks) json["iou"] = result.iou;
    if (classes) json["top5"] = result.top5;
    Json list = Json::array();
    for (const evaluate::PhotoAgreement& p : result.photos)
      list.push_back({{"photo", p.photo}, {"percent", p.percent}});
    json["photos"] = list;
    print_json(json);
    return Status();
  }
  std::printf("%s and %s: agreement over %zu photos (%s)\n", o.a.c_str(), o.b.c_str(), s.count, task_name(result.task));
  std::printf("  mean %.2f %%, sd %.2f, variance %.2f, min %.2f %%, max %.2f %%\n", s.mean, s.sd, s.variance, s.min,
              s.max);
  if (masks) std::printf("  mean IoU of the masks %.2f %%\n", result.iou);
  if (classes) std::printf("  the five best classes have %.2f %% in common\n", result.top5);
  const auto worst = std::min_element(
      result.photos.begin(), result.photos.end(),
      [](const evaluate::PhotoAgreement& x, const evaluate::PhotoAgreement& y) { return x.percent < y.percent; });
  if (worst->percent < 100) std::printf("  lowest: %s\n", worst->photo.c_str());
  if (!o.save.empty()) std::printf("  pictures: %s\n", o.save.c_str());
  return Status();
}

}  // namespace

void add_agree(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("agree", "Compare what two models answer for the same photos");
  auto o = std::make_shared<AgreeOptions>();
  command->add_option("a", o->a, "A.dtr")->required();
  command->add_option("b", o->b, "B.dtr")->required();
  command->add_option("--images", o->images, "folder of photos")->required();
  command->add_option("--save", o->save, "folder for pictures: A left, B right, differences in magenta");
  command->add_option("--limit", o->compare.limit, "photos, spread evenly over the folder; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--threads", o->compare.threads, "0: one a core")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  add_cores_option(*command, o->compare.cores, o->compare.core_mask);
  add_filter_option(*command, o->compare.filters);
  command->add_flag("--json", o->json, "one JSON object on stdout, every photo included");
  command->footer(
      "Examples:\n"
      "  dotori agree unet.dtr unet_int8.dtr --images photos\n"
      "  dotori agree yolo.dtr yolo_int8.dtr --images photos --save differences --json");
  command->callback([o, &exit_code] {
    const Status status = agree(*o);
    if (!status.ok()) exit_code = fail(status);
  });
}

}  // namespace dotori::cli
