// SPDX-License-Identifier: Apache-2.0
// Masks against masks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <dotori/status.h>
#include <dotori/vision.h>

namespace dotori::evaluate {

// Pixels of a truth mask that are not compared.
constexpr std::uint8_t kVoid = 255;

// How a picture says which class a pixel has.
enum class MaskKind : std::uint8_t {
  kBinary,   // two classes: 0 is dark, 1 is bright (128 or more); a picture of 0 and 1 alone is taken as it is
  kIndices,  // the gray value is the class, 255 void; or the colours of Pascal VOC
};

// A truth mask from a picture. Errors: those of load_image(); kInvalidArgument for a colour that is neither gray (all
// channels alike) nor, for kIndices, one of Pascal VOC's, where bit 7 - j of red, green and blue are the bits 3j, 3j +
// 1 and 3j + 2 of the class (its void colour, 224 224 192, is class 255 by that rule).
Result<vision::Mask> read_truth_mask(const std::string& path, MaskKind kind);

// `mask` at another size, each pixel the class of the nearest one. Errors: kInvalidArgument (an invalid mask; the
// sides' proportions differ by more than 2 %, so that the mask is hardly one of the same picture).
Result<vision::Mask> scale_mask(const vision::Mask& mask, int width, int height);

// In percent. Of a class: IoU = both / either, Dice = 2 both / (predicted + true), counted over all pixels of all
// photos together.
struct SegmentationFigures {
  double iou = 0;             // mean over the classes that are predicted or true anywhere
  double dice = 0;            // the same without class 0 (with it when nothing else is there)
  double pixel_accuracy = 0;  // pixels whose class is right
  double foreground_iou = 0;  // of all classes but 0 taken as one; 100 when there is none
};

// How often which class was predicted where which was true.
class Confusion {
 public:
  // `truth` of the same size; its void pixels are left out. Errors: kInvalidArgument.
  Status add(const vision::Mask& predicted, const vision::Mask& truth);
  // All 0 before the first pixel.
  SegmentationFigures figures() const;

 private:
  std::vector<std::int64_t> pixels_ = std::vector<std::int64_t>(256 * 256);  // [true][predicted]
};

// Percent of the pixels with the same class, and the mean IoU of the classes in either. Errors: kInvalidArgument.
struct MaskAgreement {
  double same = 0, iou = 0;
};
Result<MaskAgreement> compare_masks(const vision::Mask& a, const vision::Mask& b);

}  // namespace dotori::evaluate
