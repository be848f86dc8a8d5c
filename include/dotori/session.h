// SPDX-License-Identifier: Apache-2.0
// Session: one network with its memory and threads, ready to run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <dotori/cores.h>
#include <dotori/model.h>
#include <dotori/profile.h>
#include <dotori/status.h>
#include <dotori/tensor.h>

namespace dotori {

class Backend;

enum class BackendKind : std::uint8_t {
  kCpu,        // the fastest kernels the machine has
  kReference,  // plain C++ kernels only: slow, the specification
  kXnnpack,    // XNNPACK for the nodes it takes, kCpu for the others; see backend_available()
  kAuto,  // kCpu or kXnnpack, whichever runs this network faster here: create() compiles and times both, which takes
          // a few runs of time and the memory of both
};

// False only for kXnnpack in a library that was built without it.
bool backend_available(BackendKind kind) noexcept;

struct SessionOptions {
  BackendKind backend = BackendKind::kCpu;
  // Takes the nodes it supports, `backend` (kCpu or kReference) all others. Must outlive the session. See backend.h.
  const Backend* custom_backend = nullptr;
  // 1..64; 0: one for each core of those chosen below, 64 at most. More threads than cores take turns on them.
  int num_threads = 1;
  // Where the session runs, see cores.h; kAll without a mask leaves every thread where the system puts it. Otherwise
  // the session's threads never leave the chosen cores, which are settled by create(), and the thread that calls
  // create() or run() is moved there for the call and gets its own cores back afterwards: a few system calls, or one
  // when it is on such cores already. Tiles of work go to whichever thread is free, so a slow core gets fewer of them.
  // When the system later takes cores away, run() goes on with what it leaves.
  CoreClass cores = CoreClass::kAll;
  std::uint64_t core_mask = 0;  // bit i: CPU i, all of them usable; goes before `cores`; 0: none
  bool profile = false;         // measure every step (costs two clock reads a step)
  std::size_t max_memory_bytes = std::size_t{4} << 30;  // refuse a plan whose arena and packed weights need more; what
                                                        // XNNPACK allocates for itself is not counted
};

// Compiled once by create(): kernels chosen, weights packed, all memory reserved. run() allocates nothing.
// One thread at a time may use a session; a second concurrent run() gets kBusy. The tensors' memory belongs to the
// session: views stay valid until it is destroyed, their contents until the next run(). A session with more than one
// thread cannot run in a forked child: create it there.
class Session {
 public:
  // Errors: kInvalidArgument (options), kUnsupported (a node no kernel can run; a backend that is not in this build;
  // cores that the system refuses), kOutOfMemory.
  static Result<Session> create(const Model& model, const SessionOptions& options = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  int input_count() const noexcept;
  int output_count() const noexcept;
  // Views to fill before and to read after run(). `index` in [0, count), otherwise an empty view (data == nullptr).
  TensorView input(int index) noexcept;
  TensorView output(int index) noexcept;
  // By name; an empty view when there is no such tensor.
  TensorView input(const std::string& name) noexcept;
  TensorView output(const std::string& name) noexcept;

  // Computes all outputs from the inputs. Errors: kBusy; what a custom backend's region answers.
  Status run() noexcept;

  const Model& model() const noexcept;
  const SessionOptions& options() const noexcept;  // with num_threads, kAuto and core_mask resolved
  std::size_t arena_bytes() const noexcept;        // activations and scratch
  std::size_t packed_bytes() const noexcept;       // weights re-laid out for the kernels
  const Profile& profile() const noexcept;         // empty unless SessionOptions::profile

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  static Result<std::unique_ptr<State>> prepare(const Model& model, const SessionOptions& options);
  static Result<std::unique_ptr<State>> prepare_fastest(const Model& model, SessionOptions options);
  std::unique_ptr<State> state_;
};

// "avx2", "avx512", "avx512_vnni", "neon", "neon_dot" or "none": the best instruction set this process uses, after
// DOTORI_MAX_ISA. Static storage.
const char* host_isa_name() noexcept;

}  // namespace dotori
