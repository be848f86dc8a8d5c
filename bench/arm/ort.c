// SPDX-License-Identifier: Apache-2.0
// bench_ort LIBRARY MODEL.onnx FOLDER: ONNX Runtime beside bench_infer. Reads FOLDER/input0, ... (raw elements, as many
// as the model asks for), runs twice on one thread, the second time between the markers of roi.h, and writes
// FOLDER/output0, ... ONNX Runtime's functions lie at fixed places of a table, so that no header of its is needed.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "roi.h"

enum {  // places in OrtApi
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kCreateSession = 7,
  kRun = 9,
  kCreateSessionOptions = 10,
  kSetGraphOptimizationLevel = 23,
  kSetIntraOpNumThreads = 24,
  kSetInterOpNumThreads = 25,
  kSessionGetInputCount = 30,
  kSessionGetOutputCount = 31,
  kSessionGetInputTypeInfo = 33,
  kSessionGetInputName = 36,
  kSessionGetOutputName = 37,
  kCreateTensorWithData = 49,
  kGetTensorMutableData = 51,
  kCastTypeInfoToTensorInfo = 55,
  kGetTensorElementType = 60,
  kGetDimensionsCount = 61,
  kGetDimensions = 62,
  kGetTensorShapeElementCount = 64,
  kGetTensorTypeAndShape = 65,
  kCreateCpuMemoryInfo = 69,
  kGetAllocatorWithDefaultOptions = 78,
  kApiVersion = 12,
  kLogErrors = 3,
  kAllOptimisations = 99,
  kMost = 16,
};

typedef struct {
  const void* const* (*get_api)(uint32_t version);
  const char* (*get_version)(void);
} ApiBase;

static const void* const* api;

#define CALL(slot, types, ...) check(((void*(*)types)(uintptr_t)api[slot])(__VA_ARGS__), #slot)

static void fail(const char* what, const char* why) {
  fprintf(stderr, "bench_ort: %s: %s\n", what, why);
  exit(1);
}

static void check(void* status, const char* what) {
  if (status != NULL) fail(what, ((const char* (*)(void*))(uintptr_t)api[kGetErrorMessage])(status));
}

static size_t element_size(int type) {
  switch (type) {  // ONNX's numbers: float, int32; uint8, int8, bool; int64
    case 1:
    case 6: return 4;
    case 2:
    case 3:
    case 9: return 1;
    case 7: return 8;
    default: fail("element type", "unknown"); return 0;
  }
}

static void transfer(const char* folder, const char* kind, size_t index, void* data, size_t bytes, int writing) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s%zu", folder, kind, index);
  FILE* file = fopen(path, writing ? "wb" : "rb");
  if (file == NULL) fail(path, "cannot be opened");
  if ((writing ? fwrite(data, 1, bytes, file) : fread(data, 1, bytes, file)) != bytes) fail(path, "too short");
  fclose(file);
}

int main(int argc, char** argv) {
  if (argc != 4) return fprintf(stderr, "usage: bench_ort LIBRARY MODEL.onnx FOLDER\n"), 2;
  void* library = dlopen(argv[1], RTLD_NOW);
  if (library == NULL) fail(argv[1], dlerror());
  const ApiBase* (*get_base)(void) = (const ApiBase* (*)(void))(uintptr_t)dlsym(library, "OrtGetApiBase");
  if (get_base == NULL) fail(argv[1], "no OrtGetApiBase");
  api = get_base()->get_api(kApiVersion);
  if (api == NULL) fail(argv[1], "another version");

  void *env, *options, *session, *allocator, *memory;
  CALL(kCreateEnv, (int, const char*, void**), kLogErrors, "bench", &env);
  CALL(kCreateSessionOptions, (void**), &options);
  CALL(kSetIntraOpNumThreads, (void*, int), options, 1);
  CALL(kSetInterOpNumThreads, (void*, int), options, 1);
  CALL(kSetGraphOptimizationLevel, (void*, int), options, kAllOptimisations);
  CALL(kCreateSession, (void*, const char*, void*, void**), env, argv[2], options, &session);
  CALL(kGetAllocatorWithDefaultOptions, (void**), &allocator);
  CALL(kCreateCpuMemoryInfo, (int, int, void**), 0, 0, &memory);

  size_t inputs, outputs;
  char *input_names[kMost], *output_names[kMost];
  void *data[kMost], *values[kMost], *results[kMost] = {NULL};
  size_t bytes[kMost];
  CALL(kSessionGetInputCount, (void*, size_t*), session, &inputs);
  CALL(kSessionGetOutputCount, (void*, size_t*), session, &outputs);
  if (inputs > kMost || outputs > kMost) fail(argv[2], "too many inputs or outputs");
  for (size_t i = 0; i < inputs; ++i) {
    void *type_info, *info;
    int type;
    size_t rank, elements = 1;
    int64_t dims[kMost];
    CALL(kSessionGetInputName, (void*, size_t, void*, char**), session, i, allocator, &input_names[i]);
    CALL(kSessionGetInputTypeInfo, (void*, size_t, void**), session, i, &type_info);
    CALL(kCastTypeInfoToTensorInfo, (void*, void**), type_info, &info);
    CALL(kGetTensorElementType, (void*, int*), info, &type);
    CALL(kGetDimensionsCount, (void*, size_t*), info, &rank);
    if (rank > kMost) fail(input_names[i], "too many dimensions");
    CALL(kGetDimensions, (void*, int64_t*, size_t), info, dims, rank);
    for (size_t d = 0; d < rank; ++d) {
      if (dims[d] < 1) fail(input_names[i], "has a dimension that is not fixed");
      elements *= (size_t)dims[d];
    }
    bytes[i] = elements * element_size(type);
    data[i] = malloc(bytes[i]);
    if (data[i] == NULL) fail(input_names[i], "out of memory");
    transfer(argv[3], "input", i, data[i], bytes[i], 0);
    CALL(kCreateTensorWithData, (void*, void*, size_t, int64_t*, size_t, int, void**), memory, data[i], bytes[i], dims,
         rank, type, &values[i]);
  }
  for (size_t i = 0; i < outputs; ++i) {
    CALL(kSessionGetOutputName, (void*, size_t, void*, char**), session, i, allocator, &output_names[i]);
  }
  void* (*run)(void*, void*, char**, void**, size_t, char**, size_t, void**) =
      (void* (*)(void*, void*, char**, void**, size_t, char**, size_t, void**))(uintptr_t)api[kRun];
  check(run(session, NULL, input_names, values, inputs, output_names, outputs, results), "first run");
  for (size_t i = 0; i < inputs; ++i) transfer(argv[3], "input", i, data[i], bytes[i], 0);
  ROI_BEGIN();  // into the same outputs, as bench_infer does
  void* status = run(session, NULL, input_names, values, inputs, output_names, outputs, results);
  ROI_END();
  check(status, "second run");
  for (size_t i = 0; i < outputs; ++i) {
    void *info, *result;
    int type;
    size_t elements;
    CALL(kGetTensorTypeAndShape, (void*, void**), results[i], &info);
    CALL(kGetTensorElementType, (void*, int*), info, &type);
    CALL(kGetTensorShapeElementCount, (void*, size_t*), info, &elements);
    CALL(kGetTensorMutableData, (void*, void**), results[i], &result);
    transfer(argv[3], "output", i, result, elements * element_size(type), 1);
  }
  printf("ONNX Runtime %s\n", get_base()->get_version());
  return 0;
}
