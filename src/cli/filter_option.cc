// SPDX-License-Identifier: Apache-2.0
#include "cli/filter_option.h"

#include "cli/cli.h"

namespace dotori::cli {
namespace {

Result<vision::PhotoFilter> parse_filter(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  std::vector<float> numbers;
  if (colon != std::string::npos) {
    Result<std::vector<float>> parsed = parse_floats(text.substr(colon + 1));
    if (!parsed.ok()) return parsed.status().with_context("--filter '" + text + "'");
    numbers = std::move(*parsed);
  }
  vision::PhotoFilter filter;
  if (name == "blur" && numbers.size() == 1) {
    filter.kind = vision::FilterKind::kBlur;
    filter.sigma = numbers[0];
  } else if (name == "sharpen" && (numbers.size() == 1 || numbers.size() == 2)) {
    filter.kind = vision::FilterKind::kSharpen;
    filter.amount = numbers[0];
    if (numbers.size() == 2) filter.sigma = numbers[1];
  } else if (name == "clahe" && numbers.size() <= 2) {
    filter.kind = vision::FilterKind::kEqualize;
    if (!numbers.empty()) filter.clip = numbers[0];
    if (numbers.size() == 2) filter.tiles = static_cast<int>(numbers[1]);
  } else {
    return invalid_argument("--filter '" + text +
                            "': expected blur:SIGMA, sharpen:AMOUNT[,SIGMA] or clahe[:CLIP[,TILES]]");
  }
  // Numbers out of range are found on a pixel rather than on the first photo.
  vision::Image pixel = vision::make_image(1, 1);
  DOTORI_RETURN_IF_ERROR(vision::apply_filters(pixel, {&filter, 1}).with_context("--filter '" + text + "'"));
  return filter;
}

}  // namespace

void add_filter_option(CLI::App& command, std::vector<vision::PhotoFilter>& filters) {
  command
      .add_option_function<std::vector<std::string>>(
          "--filter",
          [&filters](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              const Result<vision::PhotoFilter> filter = parse_filter(text);
              if (!filter.ok()) throw CLI::ValidationError(filter.status().message());
              filters.push_back(*filter);
            }
          },
          "change photos before they are resized, in this order (repeatable): blur:SIGMA, sharpen:AMOUNT[,SIGMA], "
          "clahe[:CLIP[,TILES]] (brightness equalisation)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace dotori::cli
