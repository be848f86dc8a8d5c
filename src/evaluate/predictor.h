// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <dotori/model.h>
#include <dotori/session.h>
#include <dotori/vision.h>

namespace dotori::evaluate {

// What a model says about one photo; the member of its task is filled.
struct Answer {
  std::vector<vision::ClassScore> top;  // the best five
  std::vector<vision::Box> boxes;
  vision::Mask mask;
};

// A model from photo to answer. One thread at a time.
class Predictor {
 public:
  // Errors: kInvalidArgument (a model without a task), those of Session::create().
  static Result<Predictor> create(const Model& model, const SessionOptions& options);

  // Boxes from this score on, instead of the model's own threshold.
  void set_score_threshold(float threshold) { task_.detection.score_threshold = threshold; }
  const TaskInfo& task() const noexcept { return task_; }
  // How many numbers the answering output holds.
  std::int64_t scores();

  // Messages begin with `name`.
  Result<Answer> answer(const vision::Image& photo, const std::string& name);

 private:
  Predictor(Session session, TaskInfo task) : session_(std::move(session)), task_(std::move(task)) {}
  Result<Answer> answer(const vision::Image& photo);

  Session session_;
  TaskInfo task_;
};

}  // namespace dotori::evaluate
