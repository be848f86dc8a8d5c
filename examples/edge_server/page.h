// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace dotori::edge {

struct PageFile {
  const char* path;  // "/", "/app.js", "/style.css"
  const char* type;
  std::string_view bytes;
};

// The files of the page for the phone. `count` gets how many.
const PageFile* page_files(int* count);

}  // namespace dotori::edge
