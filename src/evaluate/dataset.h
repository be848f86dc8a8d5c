// SPDX-License-Identifier: Apache-2.0
// Photos with the right answers beside them. Paths in a Dataset can be opened as they are. The loaders read every line
// they are given: a photo that is missing, a label that is no number or an annotation without its photo is an error
// that names the file and the line or key.
#pragma once

#include <string>
#include <vector>

#include <dotori/span.h>
#include <dotori/status.h>

namespace dotori::evaluate {

// An object in a photo, in photo pixels.
struct TruthBox {
  double x = 0, y = 0, width = 0, height = 0;
  double area = 0;      // of the object itself, for the size classes; that of the box when its outline is not known
  int category = 0;     // index into Dataset::categories
  bool crowd = false;   // stands for several objects: any number of boxes may lie in it, none counts
  bool ignore = false;  // hard to see: neither finding nor missing it counts. True for a crowd.
};

struct Example {
  std::string photo;            // path
  int label = -1;               // Truth::kLabels: class index
  std::vector<TruthBox> boxes;  // Truth::kBoxes
  std::string mask;             // Truth::kMasks: path, see read_truth_mask()
};

enum class Truth { kLabels, kBoxes, kMasks };

struct Dataset {
  Truth truth = Truth::kLabels;
  std::vector<Example> examples;
  std::vector<std::string> categories;  // kBoxes: names; COCO: by category id, Pascal VOC: sorted
};

// The JPEG, PNG and BMP files in a folder and the folders below it, sorted by path. Errors: kNotFound (no such folder,
// or none in it), kIoError.
Result<std::vector<std::string>> list_photos(const std::string& folder);

// Labels: lines "file,label" with the file relative to `photos` and a class index from 0; further fields are not read,
// nor is a first line without a number in second place, nor an empty one. Errors: kNotFound, kInvalidArgument.
Result<Dataset> load_labels(const std::string& photos, const std::string& csv);

// COCO's instances.json. Categories are in the order of their ids, photos in the file's. Of an annotation, image_id,
// category_id, bbox, area (missing: of the bbox) and iscrowd are read.
Result<Dataset> load_coco(const std::string& photos, const std::string& json);

// Pascal VOC: a folder of XML files, each with the objects of the photo with the same name but for its ending. Corners
// are taken as written; an object marked difficult is ignored.
Result<Dataset> load_voc(const std::string& photos, const std::string& folder);

// A mask for each photo: the picture in `masks` with the same name but for its ending.
Result<Dataset> load_masks(const std::string& photos, const std::string& masks);

// Keeps the photos that a text file names, one a line: file names with or without folder and ending, such as the lists
// in Pascal VOC's ImageSets; what follows a blank is not read. Errors: kNotFound, kIoError, kInvalidArgument (no name,
// a name without a photo in the set), with the file and the line.
Status keep_listed(Dataset* set, const std::string& list);

// Keeps `limit` elements, spread evenly over the whole; all when there are no more, or for 0.
template <class T>
void keep_spread(std::vector<T>* all, std::size_t limit) {
  if (limit == 0 || all->size() <= limit) return;
  std::vector<T> kept;
  for (std::size_t i = 0; i < limit; ++i) kept.push_back(std::move((*all)[i * all->size() / limit]));
  *all = std::move(kept);
}

}  // namespace dotori::evaluate
