// SPDX-License-Identifier: Apache-2.0
#include "page.h"

namespace dotori::edge {
namespace {

#include "page_files.inc"

template <std::size_t N>
std::string_view view(const unsigned char (&bytes)[N]) {
  return {reinterpret_cast<const char*>(bytes), N};
}

}  // namespace

const PageFile* page_files(int* count) {
  static const PageFile kFiles[] = {{"/", "text/html; charset=utf-8", view(k_index_html)},
                                    {"/app.js", "text/javascript; charset=utf-8", view(k_app_js)},
                                    {"/style.css", "text/css; charset=utf-8", view(k_style_css)}};
  *count = 3;
  return kFiles;
}

}  // namespace dotori::edge
