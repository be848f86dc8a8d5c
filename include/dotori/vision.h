// SPDX-License-Identifier: Apache-2.0
// Photos in, answers out: everything between an image file and a model's tensors. Library dotori::vision; the engine
// itself does not depend on it.
//
//   auto photo = vision::load_image("dog.jpg");
//   auto transform = vision::fill_input(*photo, model.task().preprocess, session.input(0));
//   session.run();
//   auto boxes = vision::decode_detections(model.task().detection, outputs, *transform);
//   vision::draw_boxes(*photo, *boxes, model.task().labels);
//   vision::save_png(*photo, "seen.png");
//
// All functions are free of shared state: any number of threads may call them on different objects. None throws, aborts
// or prints. Coordinates: pixel (i, j) covers the square [i, i+1) x [j, j+1); x runs right, y down, (0, 0) is the top
// left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <dotori/span.h>
#include <dotori/status.h>
#include <dotori/task.h>
#include <dotori/tensor.h>

namespace dotori::vision {

// ---------------------------------------------------------------- images

// 8-bit RGB, interleaved, rows from the top without padding. Valid: both sides at least 1 and
// pixels.size() == 3 * width * height.
struct Image {
  int width = 0, height = 0;
  std::vector<std::uint8_t> pixels;

  // True when the three members agree. Functions that take an Image refuse (or, when drawing, ignore) any other.
  bool valid() const noexcept {
    return width > 0 && height > 0 &&
           pixels.size() == std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  }
};

struct Color {
  std::uint8_t r = 0, g = 0, b = 0;
};

// A picture of one colour; both sides at least 1.
Image make_image(int width, int height, Color color = {});

struct DecodeOptions {
  std::size_t max_pixels = 40'000'000;                  // width * height, checked before any pixel memory is reserved
  std::size_t max_file_bytes = std::size_t{256} << 20;  // load_image only
  // Above 0: a JPEG is decoded at 1/2, 1/4 or 1/8 of its size, in a fraction of the time, as long as both sides keep at
  // least so many pixels. Twice the side of the model's input loses next to nothing.
  int min_side = 0;
};

// The size of a whole photo, upright, also where it was decoded at a part of it.
struct PhotoSize {
  int width = 0, height = 0;
};

// JPEG (baseline and progressive; gray, RGB, YCbCr, CMYK, YCCK; EXIF orientation 1..8 applied), PNG (1..16 bits,
// palette; transparency is composited on white) or BMP, told apart by the first bytes. Errors: kInvalidArgument (empty,
// damaged or truncated), kUnsupported (another format; a JPEG with more than 100 scans), kOutOfMemory (more than
// max_pixels). `full_size`, unless null, gets the photo's own size.
Result<Image> decode_image(Span<const unsigned char> bytes, const DecodeOptions& options = {},
                           PhotoSize* full_size = nullptr);

// The same from a regular file. Further errors: kNotFound, kIoError. Messages begin with the path.
Result<Image> load_image(const std::string& path, const DecodeOptions& options = {});

// Writes a PNG; `path` holds the old bytes or all the new ones. Errors: kInvalidArgument (image), kIoError,
// kOutOfMemory.
Status save_png(const Image& image, const std::string& path);

// ---------------------------------------------------------------- filters
// Changes to a photo before it is resized. None is part of a model; they serve photos that are noisy, soft or unevenly
// lit.

enum class FilterKind : std::uint8_t {
  kBlur,      // Gaussian of standard deviation `sigma` pixels; borders are mirrored
  kSharpen,   // unsharp mask: x + amount * (x - blurred by `sigma`)
  kEqualize,  // brightness equalised tile by tile with limited contrast (CLAHE; K. Zuiderveld, Graphics Gems IV, 1994)
};

struct PhotoFilter {
  FilterKind kind = FilterKind::kBlur;
  float sigma = 1;   // kBlur, kSharpen: 0.01 to 100
  float amount = 1;  // kSharpen: 0.01 to 10
  float clip = 2;    // kEqualize: a tile's histogram holds at most `clip` times its mean count in a bin; 1 to 100
  int tiles = 8;     // kEqualize: along each side, 1 to 64
};

// Applies the filters in turn. Errors: kInvalidArgument (an invalid image, a number out of range).
Status apply_filters(Image& image, Span<const PhotoFilter> filters);

// One filter each, with the ranges and errors above. equalize_brightness() changes the luma Y = 0.299 R + 0.587 G +
// 0.114 B and keeps Cb and Cr.
Status gaussian_blur(Image& image, float sigma);
Status unsharp_mask(Image& image, float amount, float sigma = 1);
Status equalize_brightness(Image& image, float clip = 2, int tiles = 8);

// ---------------------------------------------------------------- photo -> input tensor

// How model-input coordinates and photo coordinates correspond: photo = input * scale + offset on each axis.
struct PhotoTransform {
  float scale_x = 1, scale_y = 1;    // photo pixels an input pixel; above 0
  float offset_x = 0, offset_y = 0;  // photo coordinates of the input's top left corner
  int photo_width = 0, photo_height = 0;
  int input_width = 0, input_height = 0;

  float photo_x(float input_x) const noexcept { return input_x * scale_x + offset_x; }
  float photo_y(float input_y) const noexcept { return input_y * scale_y + offset_y; }
  float input_x(float photo_x) const noexcept { return (photo_x - offset_x) / scale_x; }
  float input_y(float photo_y) const noexcept { return (photo_y - offset_y) / scale_y; }
};

enum class ResizeFilter : std::uint8_t {
  // Triangle filter as wide as the reduction (as Pillow's BILINEAR): every photo pixel counts, no aliasing. The same as
  // kBilinear when enlarging. The better choice for accuracy on large photos.
  kAntialiased,
  // The four nearest pixels (as OpenCV's INTER_LINEAR); quicker, aliases when reducing by more than 2.
  kBilinear,
};

// Fills `input`, float32 [1,H,W,C], from the photo: crops or pads as `preprocess.resize` says, resizes with half-pixel
// centres and without rounding to 8 bits, orders the channels, then y = (x - mean[c]) * scale[c] with x in 0..255.
// An int8 or uint8 input, which needs a scale, gets clamp(rne(y / input.scale) + input.zero_point).
// kRgb and kBgr need C = 3; kGray takes C = 1 or 3 (repeated) with x = 0.299 R + 0.587 G + 0.114 B. With
// image_max_norm, x is first multiplied by 255 / (largest value of the resized photo, padding apart); a black photo
// stays black. Crops and letterboxes are rounded to whole pixels; the transform returned is exact for the rounded ones.
// Errors: kInvalidArgument (photo, preprocess or input does not fit).
Result<PhotoTransform> fill_input(const Image& photo, const Preprocess& preprocess, const TensorView& input,
                                  ResizeFilter filter = ResizeFilter::kAntialiased);

// The same for every input of a model, each at its own size: one of a single channel gets the photo in gray, also where
// preprocess.order is another. Returns the first input's transform. Errors name the input by its index.
Result<PhotoTransform> fill_inputs(const Image& photo, const Preprocess& preprocess, Span<const TensorView> inputs,
                                   ResizeFilter filter = ResizeFilter::kAntialiased);

// ---------------------------------------------------------------- classification

struct ClassScore {
  int index = 0;
  float score = 0;
};

// The `k` (at least 1) best classes, best first, equal scores by lower index; fewer when there are fewer classes.
// `scores`: float32, or int8 or uint8 with a scale; one dimension above 1 at most. Non-finite scores are passed over.
// With `apply_softmax` the scores become softmax probabilities over all finite ones. Errors: kInvalidArgument.
Result<std::vector<ClassScore>> top_k(const TensorView& scores, int k, bool apply_softmax = false);

// ---------------------------------------------------------------- detection

// In photo coordinates, within the photo, x0 < x1 and y0 < y1.
struct Box {
  float x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  int class_index = 0;
  float score = 0;  // 0..1
};

// Intersection over union, 0..1; 0 when either box is empty.
float box_iou(const Box& a, const Box& b) noexcept;

// Greedy, class by class: best score first (equal scores: the earlier box), a box falls when its IoU with a kept one of
// its class is above `iou_threshold`. Only the best 1000 of a class are looked at. Result: best score first.
std::vector<Box> non_maximum_suppression(std::vector<Box> boxes, float iou_threshold);

// `outputs`: all outputs of the model in its order (float32, or int8 or uint8 with a scale; batch 1); info.scales says
// which hold what. Keeps boxes with score >= info.score_threshold (the best 30,000), suppresses doubles with
// info.nms_iou, maps to the photo, clips, drops empty ones. A value that is not finite never becomes a box. Layouts,
// with A anchors and C classes:
//   kRegion, kYolo  [1,h,w,A*(5+C)]  each anchor: x, y, w, h, objectness, C classes
//   kYolox          [1,cells,5+C]    cells of all scales in the order of info.scales, row by row; objectness and
//   classes are
//                                    probabilities already; the stride must be given
//   kFastestDet     [1,h,w,5+C]      objectness, x, y, w, h, C classes; score = objectness^0.6 * class^0.4
//   kNanodet        [1,cells,C] probabilities and [1,cells,4*(m+1)] distributions of the distances left, up, right,
//   down
//   kSsd            [1,N,4] top, left, bottom, right in parts of the input; [1,N] classes; [1,N] scores; [1] number
//                   of boxes. The network suppressed doubles itself: it is not done again. Classes beyond C are no box.
// Errors: kInvalidArgument (info or outputs that do not fit).
Result<std::vector<Box>> decode_detections(const DetectionInfo& info, Span<const TensorView> outputs,
                                           const PhotoTransform& transform);

// ---------------------------------------------------------------- segmentation

// A class for each photo pixel, row by row. Valid: both sides at least 1 and classes.size() == width * height.
struct Mask {
  int width = 0, height = 0;
  std::vector<std::uint8_t> classes;

  bool valid() const noexcept {
    return width > 0 && height > 0 &&
           classes.size() == static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  }
};

// The mask at the photo's size. `map` is the output info.output: [1,h,w,C], [1,h,w] or [h,w], at any fraction of the
// input's size, or [1,h*w] or [1,h*w,C] with the input's own h and w. Photo pixels the input did not see (centre crop)
// get class 0.
//   kArgMax     real: scores are interpolated bilinearly, then compared (C <= 32; nearest cell above), C <= 256
//   kThreshold  real, C = 1: interpolated bilinearly, then compared with info.threshold
//   kClassMap   real, int32, int64, uint8 or int8, C = 1: nearest cell; indices outside 0..255 are refused
// real: float32, or int8 or uint8 with a scale.
// A value that is not finite counts as the lowest (kClassMap: NaN as class 0). Errors: kInvalidArgument.
Result<Mask> decode_mask(const SegmentationInfo& info, const TensorView& map, const PhotoTransform& transform);

// One connected area of one class.
struct Region {
  int class_index = 0;
  std::int64_t pixels = 0;
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;  // bounding box, x1 and y1 exclusive
  float centre_x = 0, centre_y = 0;    // mean of the pixels' centres
  float equivalent_diameter = 0;       // of the disc with as many pixels: sqrt(4 * pixels / pi)
  // Length of the border, holes included, in pixels: Crofton's formula over four directions (J. Serra, "Image Analysis
  // and Mathematical Morphology", 1982), pi / 8 * (T0 + T90 + (T45 + T135) / sqrt(2)) with Td the number of steps in
  // direction d that enter or leave the area. A disc's comes out within 3 % from a radius of 4 on.
  float perimeter = 0;
  float circularity = 0;  // 4 * pi * pixels / perimeter^2, at most 1: a disc has about 1, a bar or a net far less
  int first_x = 0, first_y = 0;  // its first pixel in scan order
};

// The 8-connected areas of every class but 0 with at least `min_pixels` pixels, largest first, equal ones in scan
// order. Empty for an invalid mask.
std::vector<Region> connected_regions(const Mask& mask, std::int64_t min_pixels = 1);

// ---------------------------------------------------------------- drawing
// All drawing stays inside the image, whatever the coordinates; an invalid image is left alone. Text is printable ASCII
// (other bytes show as '?', one for each UTF-8 character) and grows with the image.

// A colour of its own for each class, the same in every run; class 0 too. Neighbouring indices differ clearly.
Color class_color(int class_index) noexcept;

// Frames with "label 87%" on a filled tab; `labels` by class index, "class 12" beyond its end.
void draw_boxes(Image& image, Span<const Box> boxes, Span<const std::string> labels);

// Tints the pixels of every class but 0 with class_color(); opacity 0..1. Error: kInvalidArgument when the sizes
// differ.
Status overlay_mask(Image& image, const Mask& mask, float opacity = 0.5f);

// Frames and "label, pixels" tabs for regions.
void draw_regions(Image& image, Span<const Region> regions, Span<const std::string> labels);

// The regions' own outlines, holes included, each with its number (the first is 1) beside it. `mask` is the one they
// were found in. Error: kInvalidArgument when the sizes differ.
Status draw_region_outlines(Image& image, const Mask& mask, Span<const Region> regions);

// Lines of text on a dark panel at the top left. Lines that do not fit are cut.
void draw_caption(Image& image, Span<const std::string> lines);

// draw_caption with "label 87.3%" lines.
void draw_classes(Image& image, Span<const ClassScore> classes, Span<const std::string> labels);

}  // namespace dotori::vision
