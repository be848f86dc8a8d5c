// SPDX-License-Identifier: Apache-2.0
#include "c_api/objects.h"

namespace dotori::c_api {
namespace {

Result<CoreClass> class_of(const char* name, std::int32_t cores) {
  switch (cores) {
    case DOTORI_CORES_ALL: return CoreClass::kAll;
    case DOTORI_CORES_BIG: return CoreClass::kBig;
    case DOTORI_CORES_LITTLE: return CoreClass::kLittle;
    default:
      return invalid_argument(std::string(name) + " is " + std::to_string(cores) +
                              ", expected 0 (all), 1 (big) or 2 (little)");
  }
}

Result<SessionOptions> options_of(const dotori_session_options* given) {
  dotori_session_options o;
  DOTORI_RETURN_IF_ERROR(take_struct("options", given, &o));
  SessionOptions options;
  switch (o.backend) {
    case DOTORI_BACKEND_CPU: options.backend = BackendKind::kCpu; break;
    case DOTORI_BACKEND_REFERENCE: options.backend = BackendKind::kReference; break;
    case DOTORI_BACKEND_XNNPACK: options.backend = BackendKind::kXnnpack; break;
    case DOTORI_BACKEND_AUTO: options.backend = BackendKind::kAuto; break;
    default:
      return invalid_argument("options.backend is " + std::to_string(o.backend) +
                              ", expected 0 (cpu), 1 (reference), 2 (xnnpack) or 3 (auto)");
  }
  if (o.num_threads < -1 || o.num_threads > 64) {
    return invalid_argument("options.num_threads is " + std::to_string(o.num_threads) +
                            ", expected 1 to 64, 0 (one) or -1 (one a core)");
  }
  DOTORI_ASSIGN_OR_RETURN(options.cores, class_of("options.cores", o.cores));
  options.core_mask = o.core_mask;
  options.num_threads = o.num_threads == 0 ? 1 : o.num_threads == -1 ? 0 : o.num_threads;
  if (o.max_memory_bytes != 0) options.max_memory_bytes = static_cast<std::size_t>(o.max_memory_bytes);
  return options;
}

// The tensor as the session holds it.
Result<TensorView> view_of(Session& session, bool input, std::int32_t index) {
  const TensorView view = input ? session.input(index) : session.output(index);
  if (view.data != nullptr) return view;
  return invalid_argument(std::string(input ? "input " : "output ") + std::to_string(index) + ": the model has " +
                          std::to_string(input ? session.input_count() : session.output_count()));
}

Status give_tensor(SessionObject& s, bool input, std::int32_t index, dotori_tensor* tensor) {
  DOTORI_ASSIGN_OR_RETURN(const TensorView view, view_of(s.session, input, index));
  const Span<const TensorInfo> infos = input ? s.session.model().inputs() : s.session.model().outputs();
  dotori_tensor t = describe(infos[static_cast<std::size_t>(index)]);
  t.data = view.data;
  t.size_bytes = view.size_bytes;
  return give_struct("tensor", t, tensor);
}

Status check_bytes(const char* what, std::int32_t index, std::size_t found, std::size_t expected) {
  if (found == expected) return {};
  return invalid_argument(std::string(what) + " " + std::to_string(index) + " has " + std::to_string(expected) +
                          " bytes, found a buffer of " + std::to_string(found));
}

}  // namespace
}  // namespace dotori::c_api

using namespace dotori;
using namespace dotori::c_api;

extern "C" {

int32_t dotori_core_mask(int32_t cores, uint64_t* mask, dotori_error* error) {
  const auto find = [&]() -> Status {
    DOTORI_RETURN_IF_ERROR(check_pointer("mask", mask));
    DOTORI_ASSIGN_OR_RETURN(const CoreClass wanted, class_of("cores", cores));
    *mask = core_mask(wanted);
    return {};
  };
  return answer(find(), error);
}

int32_t dotori_session_create(dotori_model model, const dotori_session_options* options, dotori_session* session,
                              dotori_error* error) {
  const Status status = with<ModelObject>(model.id, [&](ModelObject& m) -> Status {
    DOTORI_RETURN_IF_ERROR(check_pointer("session", session));
    DOTORI_ASSIGN_OR_RETURN(const SessionOptions chosen, options_of(options));
    DOTORI_ASSIGN_OR_RETURN(Session created, Session::create(m.model, chosen));
    return give_handle<SessionObject>(std::move(created), session);
  });
  return answer(status, error);
}

int32_t dotori_session_close(dotori_session session, dotori_error* error) {
  return close<SessionObject>(session, error);
}

int32_t dotori_session_get_info(dotori_session session, dotori_session_info* info, dotori_error* error) {
  const Status status = with<SessionObject>(session.id, [&](SessionObject& s) {
    dotori_session_info i;
    DOTORI_INIT(i);
    i.backend = static_cast<std::int32_t>(s.session.options().backend);
    i.num_threads = s.session.options().num_threads;
    i.input_count = s.session.input_count();
    i.output_count = s.session.output_count();
    i.arena_bytes = s.session.arena_bytes();
    i.packed_bytes = s.session.packed_bytes();
    i.core_mask = s.session.options().core_mask;
    return give_struct("info", i, info);
  });
  return answer(status, error);
}

int32_t dotori_session_input(dotori_session session, int32_t index, dotori_tensor* tensor, dotori_error* error) {
  return answer(with_session(session.id, [&](SessionObject& s) { return give_tensor(s, true, index, tensor); }), error);
}

int32_t dotori_session_output(dotori_session session, int32_t index, dotori_tensor* tensor, dotori_error* error) {
  return answer(with_session(session.id, [&](SessionObject& s) { return give_tensor(s, false, index, tensor); }),
                error);
}

int32_t dotori_session_set_input(dotori_session session, int32_t index, const void* bytes, size_t size_bytes,
                                 dotori_error* error) {
  const Status status = with_session(session.id, [&](SessionObject& s) -> Status {
    DOTORI_RETURN_IF_ERROR(check_pointer("bytes", bytes));
    DOTORI_ASSIGN_OR_RETURN(const TensorView view, view_of(s.session, true, index));
    DOTORI_RETURN_IF_ERROR(check_bytes("input", index, size_bytes, view.size_bytes));
    std::memcpy(view.data, bytes, size_bytes);
    return {};
  });
  return answer(status, error);
}

int32_t dotori_session_get_output(dotori_session session, int32_t index, void* bytes, size_t size_bytes,
                                  dotori_error* error) {
  const Status status = with_session(session.id, [&](SessionObject& s) -> Status {
    DOTORI_RETURN_IF_ERROR(check_pointer("bytes", bytes));
    DOTORI_ASSIGN_OR_RETURN(const TensorView view, view_of(s.session, false, index));
    DOTORI_RETURN_IF_ERROR(check_bytes("output", index, size_bytes, view.size_bytes));
    std::memcpy(bytes, view.data, size_bytes);
    return {};
  });
  return answer(status, error);
}

int32_t dotori_session_run(dotori_session session, dotori_error* error) {
  const Status status = with_session(session.id, [&](SessionObject& s) {
    Status done = s.session.run();
    s.has_run = done.ok();
    return done;
  });
  return answer(status, error);
}

}  // extern "C"
