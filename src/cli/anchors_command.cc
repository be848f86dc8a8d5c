// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <dotori/vision.h>

#include "cli/anchors_picture.h"
#include "cli/cli.h"
#include "evaluate/anchors.h"
#include "evaluate/dataset.h"

namespace dotori::cli {
namespace {

using evaluate::AnchorSet;
using evaluate::BoxSize;

struct AnchorsOptions {
  std::string images, labels, list, input = "416x416", resize = "letterbox", save;
  int count = 9, scales = 0;
  std::uint32_t seed = 1;
  bool json = false;
};

Result<BoxSize> parse_input(const std::string& text) {
  const std::vector<std::string> parts = split(text, 'x');
  BoxSize size;
  if (parts.size() == 2) {
    const Result<float> width = parse_float(parts[0]), height = parse_float(parts[1]);
    if (width.ok() && height.ok()) size = {static_cast<double>(*width), static_cast<double>(*height)};
  }
  if (size.width >= 1 && size.height >= 1 && size.width <= 65536 && size.height <= 65536) return size;
  return invalid_argument("--input '" + text + "': expected WIDTHxHEIGHT in pixels, such as 416x416");
}

// The photo's size, at the cost of an eighth of its decoding.
Result<vision::PhotoSize> photo_size(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  vision::DecodeOptions options;
  options.min_side = 1;
  vision::PhotoSize size;
  const Result<vision::Image> image =
      vision::decode_image({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()}, options, &size);
  if (!image.ok()) return image.status().with_context(path);
  return size;
}

// Beside a COCO file, or where Pascal VOC keeps photos: JPEGImages next to Annotations.
std::string default_images(const std::string& labels, bool is_folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path folder = fs::absolute(labels, error).lexically_normal().parent_path();
  if (!is_folder) return folder.string();
  const fs::path up = labels.back() == '/' ? folder.parent_path() : folder;
  const fs::path photos = up / "JPEGImages";
  return fs::is_directory(photos, error) ? photos.string() : labels;
}

// The boxes as the network sees them.
Result<std::vector<BoxSize>> read_sizes(const AnchorsOptions& o, const BoxSize& input) {
  std::error_code error;
  const bool is_folder = std::filesystem::is_directory(o.labels, error);
  const std::string images = o.images.empty() ? default_images(o.labels, is_folder) : o.images;
  DOTORI_ASSIGN_OR_RETURN(evaluate::Dataset set,
                          is_folder ? evaluate::load_voc(images, o.labels) : evaluate::load_coco(images, o.labels));
  if (!o.list.empty()) DOTORI_RETURN_IF_ERROR(evaluate::keep_listed(&set, o.list));
  std::vector<BoxSize> sizes;
  ProgressBar bar("photos", set.examples.size());
  for (const evaluate::Example& example : set.examples) {
    DOTORI_ASSIGN_OR_RETURN(const vision::PhotoSize photo, photo_size(example.photo));
    double scale_x = input.width / photo.width, scale_y = input.height / photo.height;
    if (o.resize != "stretch") scale_x = scale_y = std::min(scale_x, scale_y);
    for (const evaluate::TruthBox& box : example.boxes)
      if (!box.ignore && !box.crowd && box.area > 0) sizes.push_back({box.width * scale_x, box.height * scale_y});
    bar.advance();
  }
  if (sizes.empty()) return invalid_argument(o.labels + ": holds no boxes");
  return sizes;
}

// "10.0,13.0, 16.0,30.0" of the anchors from `begin` to `end`.
std::string pairs_text(const AnchorSet& set, std::size_t begin, std::size_t end) {
  std::string line;
  for (std::size_t k = begin; k < end; ++k) {
    char text[64];
    std::snprintf(text, sizeof text, "%s%.1f,%.1f", k == begin ? "" : ", ", set.anchors[k].size.width,
                  set.anchors[k].size.height);
    line += text;
  }
  return line;
}

Status find(const AnchorsOptions& o) {
  DOTORI_ASSIGN_OR_RETURN(const BoxSize input, parse_input(o.input));
  // Three anchors for each of the output maps, as in YOLOv3 and v4, where the number allows it.
  const int scales = o.scales > 0 ? o.scales : o.count % 3 == 0 ? o.count / 3 : 1;
  if (o.count % scales != 0)
    return invalid_argument("--scales " + std::to_string(scales) + " does not divide " + std::to_string(o.count) +
                            " anchors");
  DOTORI_ASSIGN_OR_RETURN(const std::vector<BoxSize> boxes, read_sizes(o, input));
  DOTORI_ASSIGN_OR_RETURN(const AnchorSet set, evaluate::find_anchors(boxes, o.count, o.seed));
  if (!o.save.empty()) DOTORI_RETURN_IF_ERROR(save_anchors(boxes, set, o.save));
  const std::string line = pairs_text(set, 0, set.anchors.size());
  const std::size_t each = set.anchors.size() / static_cast<std::size_t>(scales);
  if (o.json) {
    Json anchors = Json::array(), by_scale = Json::array();
    for (const evaluate::Anchor& a : set.anchors)
      anchors.push_back({{"width", a.size.width}, {"height", a.size.height}, {"boxes", a.boxes}});
    for (std::size_t k = 0; k < set.anchors.size(); k += each) by_scale.push_back(pairs_text(set, k, k + each));
    print_json({{"boxes", boxes.size()},
                {"mean_iou", set.mean_iou},
                {"recall_50", set.recall_50},
                {"anchors", anchors},
                {"line", line},
                {"scales", by_scale}});
    return Status();
  }
  std::printf("%zu boxes, mean IoU %.4f, %.1f %% of the boxes have an anchor with an IoU of 0.5 or more\n",
              boxes.size(), set.mean_iou, 100 * set.recall_50);
  for (const evaluate::Anchor& a : set.anchors)
    std::printf("%8.1f x %-8.1f %6zu boxes\n", a.size.width, a.size.height, a.boxes);
  for (std::size_t k = 0; scales > 1 && k < set.anchors.size(); k += each)
    std::printf("scale %zu%s: %s\n", k / each + 1, k == 0 ? " (finest map)" : "", pairs_text(set, k, k + each).c_str());
  std::printf("anchors = %s\n", line.c_str());
  if (!o.save.empty()) std::printf("picture: %s\n", o.save.c_str());
  return Status();
}

}  // namespace

void add_anchors(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("anchors", "Find the anchor boxes for a detector in a set of labelled photos");
  auto o = std::make_shared<AnchorsOptions>();
  command
      ->add_option("--labels,--annotations", o->labels, "COCO's instances.json, or a folder of Pascal VOC's XML files")
      ->required();
  command->add_option("--images", o->images,
                      "folder of photos; otherwise that of the JSON file, or JPEGImages beside the folder of XML");
  command->add_option("--list", o->list, "text file that names the photos to take, one a line, such as train.txt");
  command->add_option("--input", o->input, "WIDTHxHEIGHT of the network's input")->capture_default_str();
  command->add_option("--resize", o->resize, "how photos come to that size")
      ->check(CLI::IsMember({"letterbox", "stretch"}))
      ->capture_default_str();
  command->add_option("--count", o->count, "how many anchors")->check(CLI::Range(1, 1000))->capture_default_str();
  command->add_option("--scales", o->scales, "output maps the anchors are for; 0: three anchors each")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  command->add_option("--seed", o->seed, "of the random starts")->capture_default_str();
  command->add_option("--save", o->save, "all boxes and anchors: a .png picture or a .html page");
  command->add_flag("--json", o->json, "one JSON object on stdout");
  command->footer(
      "The last line is what Darknet's [yolo] sections take; 'convert --anchors' takes the scales, ';' between them.\n"
      "Examples:\n"
      "  dotori anchors --labels VOC/Annotations --list VOC/ImageSets/Main/train.txt --input 320x256\n"
      "  dotori anchors --labels instances.json --images train2017 --count 6 --json\n"
      "  dotori anchors --labels Annotations --images photos --resize stretch --save anchors.html");
  command->callback([o, &exit_code] {
    const Status status = find(*o);
    if (!status.ok()) exit_code = fail(status);
  });
}

}  // namespace dotori::cli
