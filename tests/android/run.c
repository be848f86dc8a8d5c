// SPDX-License-Identifier: Apache-2.0
// run LIBRARY MODEL FOLDER: loads libdotori_jni.so and, through its C API, does what examples/tensors.cc does:
// FOLDER/input_0.raw, … in, FOLDER/output_0.raw, … out. Then a camera picture of 64 x 48 as RGB to FOLDER/camera.rgb,
// and an error's message to stdout.
#include <dlfcn.h>
#include <dotori/c_api.h>
#include <stdio.h>
#include <stdlib.h>

static void* library;
static dotori_error error;

static void check(int32_t code, const char* what) {
  if (code == DOTORI_OK) return;
  fprintf(stderr, "%s: %s\n", what, error.message);
  exit(1);
}

static void* find(const char* name) {
  void* function = dlsym(library, name);
  if (function == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  return function;
}
// The function of the library with the type that the header gives it.
#define C_API(name) ((__typeof__(&name))find(#name))

static void transfer(const char* folder, const char* name, int32_t index, void* data, size_t bytes, const char* mode) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s_%d.raw", folder, name, index);
  FILE* file = fopen(path, mode);
  const size_t done = file == NULL ? 0 : mode[0] == 'r' ? fread(data, 1, bytes, file) : fwrite(data, 1, bytes, file);
  if (done != bytes || fclose(file) != 0) {
    fprintf(stderr, "%s: %zu of %zu bytes\n", path, done, bytes);
    exit(1);
  }
}

int main(int argc, char** argv) {
  if (argc != 4) return fprintf(stderr, "usage: run LIBRARY MODEL FOLDER\n"), 2;
  library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return fprintf(stderr, "%s\n", dlerror()), 1;
  DOTORI_INIT(error);

  dotori_model model;
  check(C_API(dotori_model_load_file)(argv[2], &model, &error), "load");
  dotori_session_options options;
  DOTORI_INIT(options);
  options.num_threads = 2;
  dotori_session session;
  check(C_API(dotori_session_create)(model, &options, &session, &error), "session");
  dotori_session_info info;
  DOTORI_INIT(info);
  check(C_API(dotori_session_get_info)(session, &info, &error), "info");
  dotori_tensor tensor;
  DOTORI_INIT(tensor);
  for (int32_t i = 0; i < info.input_count; ++i) {
    check(C_API(dotori_session_input)(session, i, &tensor, &error), "input");
    transfer(argv[3], "input", i, tensor.data, tensor.size_bytes, "rb");
  }
  check(C_API(dotori_session_run)(session, &error), "run");
  for (int32_t i = 0; i < info.output_count; ++i) {
    check(C_API(dotori_session_output)(session, i, &tensor, &error), "output");
    transfer(argv[3], "output", i, tensor.data, tensor.size_bytes, "wb");
  }
  check(C_API(dotori_session_close)(session, &error), "close session");
  check(C_API(dotori_model_close)(model, &error), "close model");

  // Gray columns 0, 4, 8, … turned by 90 degrees: rows of one value each.
  static uint8_t planes[64 * 48 * 3 / 2], pixels[64 * 48 * 3];
  for (int i = 0; i < 64 * 48; ++i) planes[i] = (uint8_t)(i % 64 * 4);
  for (int i = 64 * 48; i < (int)sizeof planes; ++i) planes[i] = 128;
  dotori_yuv yuv;
  DOTORI_INIT(yuv);
  yuv.y = planes;
  yuv.v = planes + 64 * 48;
  yuv.u = yuv.v + 1;
  yuv.y_size_bytes = 64 * 48;
  yuv.v_size_bytes = 64 * 24;
  yuv.u_size_bytes = 64 * 24 - 1;
  yuv.width = yuv.y_row_stride = yuv.uv_row_stride = 64;
  yuv.height = 48;
  yuv.uv_pixel_stride = 2;
  dotori_image image;
  check(C_API(dotori_image_from_yuv)(&yuv, 90, &image, &error), "camera");
  check(C_API(dotori_image_pixels)(image, pixels, sizeof pixels, &error), "pixels");
  for (int y = 0; y < 64; ++y)
    for (int i = 0; i < 48 * 3; ++i)
      if (pixels[y * 48 * 3 + i] != y * 4)
        return fprintf(stderr, "camera picture: row %d holds %d\n", y, pixels[y * 48 * 3 + i]), 1;
  check(C_API(dotori_image_close)(image, &error), "close image");

  if (C_API(dotori_model_load_file)("no such file", &model, &error) != DOTORI_NOT_FOUND)
    return fprintf(stderr, "no error\n"), 1;
  printf("%s: %s\n", C_API(dotori_instruction_set)(), error.message);
  return 0;
}
