// SPDX-License-Identifier: Apache-2.0
#include "evaluate/predictor.h"

namespace dotori::evaluate {

Result<Predictor> Predictor::create(const Model& model, const SessionOptions& options) {
  if (model.task().task == Task::kNone)
    return invalid_argument(model.name() +
                            ": the model does not say what it is for; convert it with --preset or --task");
  DOTORI_ASSIGN_OR_RETURN(Session session, Session::create(model, options));
  return Predictor(std::move(session), model.task());
}

std::int64_t Predictor::scores() {
  return session_.output(task_.classification.output).elements();
}

Result<Answer> Predictor::answer(const vision::Image& photo, const std::string& name) {
  Result<Answer> result = answer(photo);
  if (!result.ok()) return result.status().with_context(name);
  return result;
}

Result<Answer> Predictor::answer(const vision::Image& photo) {
  std::vector<TensorView> inputs;
  for (int i = 0; i < session_.input_count(); ++i) inputs.push_back(session_.input(i));
  DOTORI_ASSIGN_OR_RETURN(const vision::PhotoTransform transform, vision::fill_inputs(photo, task_.preprocess, inputs));
  DOTORI_RETURN_IF_ERROR(session_.run());
  Answer answer;
  if (task_.task == Task::kClassification) {
    DOTORI_ASSIGN_OR_RETURN(
        answer.top, vision::top_k(session_.output(task_.classification.output), 5, task_.classification.apply_softmax));
  } else if (task_.task == Task::kDetection) {
    std::vector<TensorView> outputs;
    for (int i = 0; i < session_.output_count(); ++i) outputs.push_back(session_.output(i));
    DOTORI_ASSIGN_OR_RETURN(answer.boxes, vision::decode_detections(task_.detection, outputs, transform));
  } else {
    DOTORI_ASSIGN_OR_RETURN(
        answer.mask, vision::decode_mask(task_.segmentation, session_.output(task_.segmentation.output), transform));
  }
  return answer;
}

}  // namespace dotori::evaluate
