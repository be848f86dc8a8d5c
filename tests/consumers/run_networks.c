/* SPDX-License-Identifier: Apache-2.0
 * run_networks FOLDER [NAME ...]: what a C99 program does with the packaged library. The same checks as
 * run_networks.cc, or only the networks named. */
#include <dotori/c_api.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char* what, const char* detail) {
  fprintf(stderr, "run_networks: %s: %s\n", what, detail);
  return 1;
}

static unsigned char* read_file(const char* stem, const char* ending, size_t* size) {
  char path[1024];
  unsigned char* bytes = NULL;
  FILE* file;
  snprintf(path, sizeof path, "%s%s", stem, ending);
  file = fopen(path, "rb");
  if (file == NULL) return NULL;
  if (fseek(file, 0, SEEK_END) == 0 && ftell(file) > 0) {
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size);
    if (bytes != NULL && fread(bytes, 1, *size, file) != *size) {
      free(bytes);
      bytes = NULL;
    }
  }
  fclose(file);
  return bytes;
}

static int equal(const dotori_tensor* y, const unsigned char* expected) {
  size_t i;
  if (y->type != DOTORI_FLOAT32) return memcmp(y->data, expected, y->size_bytes) == 0;
  for (i = 0; i < y->size_bytes / sizeof(float); ++i) {
    float e;
    memcpy(&e, expected + i * sizeof e, sizeof e);
    if (!(fabsf(((const float*)y->data)[i] - e) <= 1e-4f * (1 + fabsf(e)))) return 0;
  }
  return 1;
}

static int compare(dotori_session session, const char* stem) {
  dotori_error error;
  dotori_session_info info;
  size_t in_size = 0, out_size = 0, at = 0;
  unsigned char *in = read_file(stem, ".in", &in_size), *out = read_file(stem, ".out", &out_size);
  int32_t i;
  int failed = in == NULL || out == NULL;
  DOTORI_INIT(error);
  DOTORI_INIT(info);
  failed = failed || dotori_session_get_info(session, &info, &error) != DOTORI_OK;
  for (i = 0; i < info.input_count && !failed; ++i) {
    dotori_tensor x;
    DOTORI_INIT(x);
    failed = dotori_session_input(session, i, &x, &error) != DOTORI_OK || in_size - at < x.size_bytes;
    if (failed) break;
    memcpy(x.data, in + at, x.size_bytes);
    at += x.size_bytes;
  }
  failed = failed || dotori_session_run(session, &error) != DOTORI_OK;
  at = 0;
  for (i = 0; i < info.output_count && !failed; ++i) {
    dotori_tensor y;
    DOTORI_INIT(y);
    failed = dotori_session_output(session, i, &y, &error) != DOTORI_OK || out_size - at < y.size_bytes;
    if (failed) break;
    if (!equal(&y, out + at)) failed = fail(y.name, "differs from the expected values");
    at += y.size_bytes;
  }
  if (!failed && (at != out_size || info.output_count == 0)) failed = fail(stem, ".out is too long");
  if (failed) fail(stem, error.message);
  free(in);
  free(out);
  if (!failed) {
    printf("%s: %d tensors as expected (%s, C)\n", stem, (int)info.output_count, dotori_instruction_set());
  }
  return failed;
}

static int run(const char* folder, const char* name) {
  char stem[512], path[520];
  dotori_error error;
  dotori_model model;
  dotori_session session;
  int failed;
  DOTORI_INIT(error);
  snprintf(stem, sizeof stem, "%s/%s", folder, name);
  snprintf(path, sizeof path, "%s.dtr", stem);
  if (dotori_model_load_file(path, &model, &error) != DOTORI_OK) return fail(path, error.message);
  if (dotori_session_create(model, NULL, &session, &error) != DOTORI_OK) return fail(path, error.message);
  failed = compare(session, stem);
  failed |= dotori_session_close(session, &error) != DOTORI_OK;
  failed |= dotori_model_close(model, &error) != DOTORI_OK;
  return failed;
}

/* A damaged JPEG (whose error is libjpeg's) and a file that is not there. */
static int run_photos(void) {
  static const unsigned char damaged[] = {0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 'J', 'F', 'I', 'F',
                                          0,    1,    1,    0,    0, 1,  0,   1,   0,   0};
  dotori_error error;
  dotori_image image;
  DOTORI_INIT(error);
  if (dotori_image_decode(damaged, sizeof damaged, 0, &image, &error) == DOTORI_OK ||
      strstr(error.message, "JPEG") == NULL) {
    return fail("a damaged JPEG was accepted", error.message);
  }
  if (dotori_image_load_file("/no/such/photo.jpg", 0, &image, &error) != DOTORI_NOT_FOUND) {
    return fail("a missing photo was not reported", error.message);
  }
  return 0;
}

int main(int argc, char** argv) {
  int i;
  if (argc < 2) return fail("usage", "run_networks FOLDER [NAME ...]");
  for (i = 2; i < argc; ++i) {
    if (run(argv[1], argv[i])) return 1;
  }
  return argc == 2 && (run(argv[1], "f32") || run(argv[1], "s8") || run_photos());
}
