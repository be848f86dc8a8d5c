// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <dotori/vision.h>

namespace dotori::evaluate {

// A fixture with a folder of its own that is gone afterwards.
class InFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/dotori_evaluate_XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
  }
  void write_photo(const std::string& name, int width, int height, vision::Color color) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    ASSERT_TRUE(vision::save_png(vision::make_image(width, height, color), path(name)).ok());
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace dotori::evaluate
