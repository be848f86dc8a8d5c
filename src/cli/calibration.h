// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <dotori/session.h>
#include <dotori/task.h>
#include <dotori/vision.h>

namespace dotori::cli {

// Inputs to calibrate with: photos, or tensors. Each is read once and kept, as far as half a gigabyte goes: they are
// wanted several times.
class CalibrationSamples {
 public:
  // `folder` holds photos, or folders as `dotori run --dump` makes them, with input_0.npy, input_1.npy and so on (or is
  // one itself). Keeps `limit` of them, spread evenly; all for 0. Photos go through `filters`
  // first, tensors do not. Errors: kNotFound, kIoError.
  static Result<CalibrationSamples> load(const std::string& folder, std::size_t limit, const Preprocess& preprocess,
                                         std::vector<vision::PhotoFilter> filters = {});

  std::size_t size() const { return paths_.size(); }
  // Sample i into a session's inputs. Messages begin with the file.
  Status fill(Session& session, std::size_t i);

 private:
  Status fill_from_photo(Session& session, const std::string& path) const;
  static Status fill_from_tensors(Session& session, const std::string& folder);

  std::vector<std::string> paths_;
  Preprocess preprocess_;
  std::vector<vision::PhotoFilter> filters_;
  bool tensors_ = false;
  std::vector<std::vector<unsigned char>> kept_;  // all inputs of a sample, one after the other; empty: not read yet
  std::size_t held_ = 0;                          // bytes
};

}  // namespace dotori::cli
