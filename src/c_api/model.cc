// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "c_api/objects.h"
#include "graph/graph.h"

namespace dotori::c_api {
namespace {

Status check_index(const char* what, std::int32_t index, std::size_t count) {
  if (index >= 0 && static_cast<std::size_t>(index) < count) return {};
  return invalid_argument(std::string(what) + " " + std::to_string(index) + ": the model has " + std::to_string(count));
}

Status give_tensor(const char* what, Span<const TensorInfo> infos, std::int32_t index, dotori_tensor* tensor) {
  DOTORI_RETURN_IF_ERROR(check_index(what, index, infos.size()));
  return give_struct("tensor", describe(infos[static_cast<std::size_t>(index)]), tensor);
}

// RFC 8259, section 7.
void append_text(const std::string& text, std::string* json) {
  *json += '"';
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte == '"' || byte == '\\') {
      *json += '\\';
      *json += c;
    } else if (byte < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
      *json += escape;
    } else {
      *json += c;
    }
  }
  *json += '"';
}

void append_tensors(const char* name, Span<const TensorInfo> infos, std::string* json) {
  *json += std::string(",\"") + name + "\":[";
  for (std::size_t i = 0; i < infos.size(); ++i) {
    if (i > 0) *json += ',';
    *json += "{\"name\":";
    append_text(infos[i].name, json);
    *json += std::string(",\"type\":\"") + data_type_name(infos[i].type) + "\",\"shape\":" + infos[i].shape.to_string();
    const Quantization& q = infos[i].quantization;
    if (q.scales.size() == 1) {
      char numbers[64];
      std::snprintf(numbers, sizeof numbers, ",\"scale\":%.9g,\"zero_point\":%d", static_cast<double>(q.scales[0]),
                    static_cast<int>(q.zero_points[0]));
      *json += numbers;
    }
    *json += '}';
  }
  *json += ']';
}

std::string json_of(const Model& model) {
  std::string json = "{\"name\":";
  append_text(model.name(), &json);
  json += std::string(",\"task\":\"") + task_name(model.task().task) + '"';
  append_tensors("inputs", model.inputs(), &json);
  append_tensors("outputs", model.outputs(), &json);
  json += ",\"labels\":[";
  for (std::size_t i = 0; i < model.task().labels.size(); ++i) {
    if (i > 0) json += ',';
    append_text(model.task().labels[i], &json);
  }
  json += "],\"nodes\":" + std::to_string(model.graph().nodes().size());
  json += ",\"parameters\":" + std::to_string(model.graph().parameter_count());
  json += ",\"file_bytes\":" + std::to_string(model.file_bytes()) + '}';
  return json;
}

}  // namespace
}  // namespace dotori::c_api

using namespace dotori;
using namespace dotori::c_api;

extern "C" {

int32_t dotori_model_load_file(const char* path, dotori_model* model, dotori_error* error) {
  return answer(
      [&]() -> Status {
        DOTORI_RETURN_IF_ERROR(check_pointer("path", path));
        DOTORI_RETURN_IF_ERROR(check_pointer("model", model));
        DOTORI_ASSIGN_OR_RETURN(Model loaded, Model::load_file(path));
        return give_handle<ModelObject>(std::move(loaded), model);
      }(),
      error);
}

int32_t dotori_model_load_memory(const void* bytes, size_t size_bytes, const char* name, dotori_model* model,
                                 dotori_error* error) {
  return answer(
      [&]() -> Status {
        DOTORI_RETURN_IF_ERROR(check_pointer("bytes", bytes));
        DOTORI_RETURN_IF_ERROR(check_pointer("model", model));
        const Span<const unsigned char> span(static_cast<const unsigned char*>(bytes), size_bytes);
        DOTORI_ASSIGN_OR_RETURN(Model loaded, Model::from_memory(span, name != nullptr ? name : "model"));
        return give_handle<ModelObject>(std::move(loaded), model);
      }(),
      error);
}

int32_t dotori_model_close(dotori_model model, dotori_error* error) {
  return close<ModelObject>(model, error);
}

int32_t dotori_model_get_info(dotori_model model, dotori_model_info* info, dotori_error* error) {
  const Status status = with<ModelObject>(model.id, [&](ModelObject& m) {
    dotori_model_info i;
    DOTORI_INIT(i);
    i.task = static_cast<std::int32_t>(m.model.task().task);
    i.input_count = static_cast<std::int32_t>(m.model.inputs().size());
    i.output_count = static_cast<std::int32_t>(m.model.outputs().size());
    i.label_count = static_cast<std::int32_t>(m.model.task().labels.size());
    i.file_bytes = m.model.file_bytes();
    copy_text(m.model.name().data(), m.model.name().size(), i.name, sizeof i.name);
    return give_struct("info", i, info);
  });
  return answer(status, error);
}

int32_t dotori_model_input(dotori_model model, int32_t index, dotori_tensor* tensor, dotori_error* error) {
  return answer(with<ModelObject>(
                    model.id, [&](ModelObject& m) { return give_tensor("input", m.model.inputs(), index, tensor); }),
                error);
}

int32_t dotori_model_output(dotori_model model, int32_t index, dotori_tensor* tensor, dotori_error* error) {
  return answer(with<ModelObject>(
                    model.id, [&](ModelObject& m) { return give_tensor("output", m.model.outputs(), index, tensor); }),
                error);
}

int32_t dotori_model_label(dotori_model model, int32_t index, char* text, size_t size_bytes, size_t* needed,
                           dotori_error* error) {
  const Status status = with<ModelObject>(model.id, [&](ModelObject& m) -> Status {
    const std::vector<std::string>& labels = m.model.task().labels;
    DOTORI_RETURN_IF_ERROR(check_index("label", index, labels.size()));
    return give_text(labels[static_cast<std::size_t>(index)], text, size_bytes, needed);
  });
  return answer(status, error);
}

int32_t dotori_model_json(dotori_model model, char* text, size_t size_bytes, size_t* needed, dotori_error* error) {
  return answer(with<ModelObject>(
                    model.id, [&](ModelObject& m) { return give_text(json_of(m.model), text, size_bytes, needed); }),
                error);
}

}  // extern "C"
