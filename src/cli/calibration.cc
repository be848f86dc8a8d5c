// SPDX-License-Identifier: Apache-2.0
#include "cli/calibration.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "cli/npy.h"
#include "evaluate/dataset.h"

namespace dotori::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = std::size_t{512} << 20;

Result<std::vector<std::string>> tensor_folders(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  if (!fs::is_directory(folder, error)) return not_found(folder + ": there is no such folder");
  if (fs::exists(folder + "/input_0.npy", error)) found.push_back(folder);
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (fs::exists(entry->path() / "input_0.npy", ignored)) found.push_back(entry->path().string());
  }
  if (error) return io_error(folder + ": " + error.message());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Result<CalibrationSamples> CalibrationSamples::load(const std::string& folder, std::size_t limit,
                                                    const Preprocess& preprocess,
                                                    std::vector<vision::PhotoFilter> filters) {
  CalibrationSamples samples;
  samples.preprocess_ = preprocess;
  samples.filters_ = std::move(filters);
  DOTORI_ASSIGN_OR_RETURN(samples.paths_, tensor_folders(folder));
  samples.tensors_ = !samples.paths_.empty();
  if (!samples.tensors_) {
    DOTORI_ASSIGN_OR_RETURN(samples.paths_, evaluate::list_photos(folder));
  }
  evaluate::keep_spread(&samples.paths_, limit);
  samples.kept_.resize(samples.paths_.size());
  return samples;
}

Status CalibrationSamples::fill(Session& session, std::size_t i) {
  std::vector<unsigned char>& kept = kept_[i];
  if (kept.empty()) {
    DOTORI_RETURN_IF_ERROR(tensors_ ? fill_from_tensors(session, paths_[i]) : fill_from_photo(session, paths_[i]));
    if (held_ > kMostBytes) return {};
    for (int input = 0; input < session.input_count(); ++input) {
      const TensorView view = session.input(input);
      const auto* bytes = static_cast<const unsigned char*>(view.data);
      kept.insert(kept.end(), bytes, bytes + view.size_bytes);
    }
    held_ += kept.size();
    return {};
  }
  std::size_t at = 0;
  for (int input = 0; input < session.input_count(); ++input) {
    const TensorView view = session.input(input);
    std::memcpy(view.data, kept.data() + at, view.size_bytes);
    at += view.size_bytes;
  }
  return {};
}

Status CalibrationSamples::fill_from_photo(Session& session, const std::string& path) const {
  DOTORI_ASSIGN_OR_RETURN(vision::Image photo, vision::load_image(path));
  DOTORI_RETURN_IF_ERROR(vision::apply_filters(photo, filters_).with_context(path));
  std::vector<TensorView> inputs;
  for (int i = 0; i < session.input_count(); ++i) inputs.push_back(session.input(i));
  return vision::fill_inputs(photo, preprocess_, inputs).status().with_context(path);
}

Status CalibrationSamples::fill_from_tensors(Session& session, const std::string& folder) {
  for (int i = 0; i < session.input_count(); ++i) {
    const std::string path = folder + "/input_" + std::to_string(i) + ".npy";
    DOTORI_ASSIGN_OR_RETURN(const NpyArray array, load_npy(path));
    const TensorView view = session.input(i);
    const Shape found(Span<const std::int64_t>(array.shape.data(), array.shape.size()));
    if (array.type != view.type || array.shape.size() > kMaxRank || found != view.shape) {
      return invalid_argument(path + ": holds " + data_type_name(array.type) + " " + found.to_string() + ", expected " +
                              data_type_name(view.type) + " " + view.shape.to_string());
    }
    std::memcpy(view.data, array.bytes.data(), view.size_bytes);
  }
  return {};
}

}  // namespace dotori::cli
