// SPDX-License-Identifier: Apache-2.0
// One photo through one model, to the answer's text. An Analyser belongs to one thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <dotori/session.h>

#include "models.h"

namespace dotori::edge {

struct Request {
  std::string photo;  // the file's bytes
  std::shared_ptr<const Generation> generation;
  const NamedModel* model = nullptr;  // of that generation
  int top = 5;
  bool mask_as_png = false;  // segmentation: the PNG itself instead of JSON
  std::size_t max_pixels = 40'000'000;
};

struct Answer {
  int status = 200;  // HTTP
  std::string type = "application/json";
  std::string body;
};

// {"error": "..."} with a status.
Answer error_answer(int status, const std::string& why);

class Analyser {
 public:
  // 400: not a photo; 413: too many pixels; 500: the model did not run.
  Answer analyse(const Request& request, double queue_ms);

 private:
  Result<Session*> session_for(const Request& request);

  int generation_ = 0;
  std::map<std::string, Session> sessions_;  // by model name, of that generation
};

}  // namespace dotori::edge
