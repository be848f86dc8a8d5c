// SPDX-License-Identifier: Apache-2.0
// Other programs, run to their end.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <dotori/status.h>

namespace dotori::cli {

struct ChildResult {
  int exit_code = 0;   // 128 + the signal where one ended it
  std::string output;  // stdout and stderr together
};

// `arguments[0]` is looked up in PATH unless it holds a slash; no shell is involved. `environment`: variables set for
// the child beside this process's own. Error: kIoError when it cannot be started.
Result<ChildResult> run_child(const std::vector<std::string>& arguments,
                              const std::vector<std::pair<std::string, std::string>>& environment = {});

// A new folder that is removed with all in it.
class TemporaryFolder {
 public:
  static Result<TemporaryFolder> create();
  ~TemporaryFolder();
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace dotori::cli
