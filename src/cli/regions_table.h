// SPDX-License-Identifier: Apache-2.0
// The connected areas of masks as a table: what `run --regions` writes.
#pragma once

#include <string>
#include <vector>

#include <dotori/status.h>
#include <dotori/vision.h>

#include "cli/cli.h"

namespace dotori::cli {

// Of one area of `mask`, which has `photo_pixels` pixels. Lengths in pixels, area_percent of the photo.
Json region_json(const vision::Region& region, int number, const std::string& label, std::int64_t photo_pixels);

// Number, mean and median equivalent diameter, mean circularity and share of the photo of some areas, by label.
Json summarise_regions(const Json& regions);

// kInvalidArgument unless `path` ends in .csv or .json or is "-".
Status check_regions_path(const std::string& path);

// `results`: what `run --json` lists, one with "photo" and "mask" for each photo. `path` ends in .csv or .json, or is
// "-" for CSV on stdout. Errors: those of check_regions_path(), kIoError.
Status write_regions(const Json& results, const std::string& path);

}  // namespace dotori::cli
