// SPDX-License-Identifier: Apache-2.0
#include "cli/backend_option.h"

#include <map>
#include <string>
#include <vector>

namespace dotori::cli {
namespace {

const std::map<std::string, BackendKind> kWords = {{"cpu", BackendKind::kCpu},
                                                   {"reference", BackendKind::kReference},
                                                   {"xnnpack", BackendKind::kXnnpack},
                                                   {"auto", BackendKind::kAuto}};

}  // namespace

const char* backend_word(BackendKind kind) noexcept {
  for (const auto& [word, known] : kWords)
    if (known == kind) return word.c_str();
  return "?";
}

const char* backend_isa(BackendKind kind) noexcept {
  return kind == BackendKind::kReference ? "none" : host_isa_name();
}

void add_backend_option(CLI::App& command, BackendKind& backend, AutoBackend automatic) {
  std::vector<std::string> words = {"cpu", "reference", "xnnpack"};
  std::string meaning =
      "cpu; reference: plain C++ kernels; xnnpack: XNNPACK for the layers it takes, cpu for the others";
  if (automatic == AutoBackend::kAllowed) {
    words.push_back("auto");
    meaning += "; auto: whichever of cpu and xnnpack runs this model faster here";
  }
  command
      .add_option_function<std::string>(
          "--backend", [&backend](const std::string& word) { backend = kWords.at(word); }, meaning)
      ->check(CLI::IsMember(words))
      ->default_str(backend_word(backend));
}

}  // namespace dotori::cli
