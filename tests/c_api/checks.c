/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "c_api/checks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <dotori/c_api.h>

static int failures;

#define CHECK(condition)                                     \
  do {                                                       \
    if (!(condition)) {                                      \
      printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                            \
    }                                                        \
  } while (0)
/* The call gives `wanted`, and its message has `word` in it. */
#define EXPECT_CODE(call, wanted, word)                                                                      \
  do {                                                                                                       \
    dotori_error error;                                                                                      \
    int32_t code;                                                                                            \
    DOTORI_INIT(error);                                                                                      \
    code = (call);                                                                                           \
    if (code != (wanted) || error.code != (wanted) || strstr(error.message, word) == NULL) {                 \
      printf("%s:%d: %s gave %s: '%s'\n", __FILE__, __LINE__, #call, dotori_code_name(code), error.message); \
      ++failures;                                                                                            \
    }                                                                                                        \
  } while (0)
#define EXPECT_OK(call) EXPECT_CODE(call, DOTORI_OK, "")
#define EXPECT_INVALID(call, word) EXPECT_CODE(call, DOTORI_INVALID_ARGUMENT, word)

enum { kSide = 8, kPixels = kSide * kSide };

static dotori_model load(const char* path) {
  dotori_model model = {0};
  EXPECT_OK(dotori_model_load_file(path, &model, &error));
  return model;
}

static dotori_session session_of(const char* path) {
  dotori_model model = load(path);
  dotori_session session = {0};
  EXPECT_OK(dotori_session_create(model, NULL, &session, &error));
  EXPECT_OK(dotori_model_close(model, &error)); /* the session goes on working */
  return session;
}

static void paint(uint8_t* rgb, uint32_t* argb) {
  int i;
  for (i = 0; i < kPixels; ++i) {
    rgb[3 * i] = (uint8_t)(i * 3);
    rgb[3 * i + 1] = (uint8_t)(255 - i);
    rgb[3 * i + 2] = (uint8_t)(i * i);
    argb[i] = 0xFF000000u | (uint32_t)rgb[3 * i] << 16 | (uint32_t)rgb[3 * i + 1] << 8 | rgb[3 * i + 2];
  }
}

static dotori_image painted(void) {
  uint8_t rgb[3 * kPixels];
  uint32_t argb[kPixels];
  dotori_image image = {0};
  paint(rgb, argb);
  EXPECT_OK(dotori_image_from_rgb(rgb, sizeof rgb, kSide, kSide, 0, &image, &error));
  return image;
}

int check_version_and_errors(const c_api_files* files) {
  dotori_model model = {0};
  struct {
    dotori_error error;
    char guard[32];
  } guarded;
  failures = 0;
  CHECK(dotori_abi_version() == 2);
  CHECK(strchr(dotori_version(), '.') != NULL);
  CHECK(strcmp(dotori_code_name(DOTORI_CORRUPT_MODEL), "corrupt model") == 0);
  CHECK(strcmp(dotori_code_name(-1), "unknown code") == 0 && strcmp(dotori_code_name(99), "unknown code") == 0);
  CHECK(strlen(dotori_instruction_set()) > 0);

  /* An error structure is optional, and one that was never set up is left alone. */
  CHECK(dotori_model_load_file("/nowhere.dtr", &model, NULL) == DOTORI_NOT_FOUND);
  memset(&guarded, 7, sizeof guarded);
  guarded.error.struct_size = 8;
  CHECK(dotori_model_load_file("/nowhere.dtr", &model, &guarded.error) == DOTORI_NOT_FOUND);
  CHECK(guarded.error.message[0] == 7);
  /* A smaller one is filled as far as it goes, with a final zero. */
  memset(&guarded, 7, sizeof guarded);
  guarded.error.struct_size = offsetof(dotori_error, message) + 64;
  CHECK(dotori_model_load_file("/a/path/that/is/rather/long/so/that/the/message/does/not/fit/into/it/nowhere.dtr",
                               &model, &guarded.error) == DOTORI_NOT_FOUND);
  CHECK(strlen(guarded.error.message) <= 63 && guarded.error.message[64] == 7);
  /* A long message never passes the structure. */
  {
    char path[4096];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = 0;
    memset(&guarded, 7, sizeof guarded);
    guarded.error.struct_size = sizeof guarded.error;
    CHECK(dotori_model_load_file(path, &model, &guarded.error) != DOTORI_OK);
    CHECK(guarded.guard[0] == 7 && strlen(guarded.error.message) < sizeof guarded.error.message);
  }
  /* Success empties the message. */
  guarded.error.struct_size = sizeof guarded.error;
  CHECK(dotori_model_load_file(files->classifier, &model, &guarded.error) == DOTORI_OK);
  CHECK(guarded.error.message[0] == 0 && guarded.error.code == DOTORI_OK);
  CHECK(dotori_model_close(model, NULL) == DOTORI_OK);
  return failures;
}

int check_models(const c_api_files* files) {
  dotori_model model = {0}, again = {0};
  dotori_model_info info;
  dotori_tensor tensor;
  char text[1024];
  size_t needed = 0;
  failures = 0;
  EXPECT_INVALID(dotori_model_load_file(NULL, &model, &error), "path is NULL");
  EXPECT_INVALID(dotori_model_load_file(files->classifier, NULL, &error), "model is NULL");
  EXPECT_CODE(dotori_model_load_file("/nowhere.dtr", &model, &error), DOTORI_NOT_FOUND, "/nowhere.dtr");
  EXPECT_CODE(dotori_model_load_file(files->damaged, &model, &error), DOTORI_CORRUPT_MODEL, files->damaged);
  EXPECT_CODE(dotori_model_load_memory("none", 4, "mine", &model, &error), DOTORI_CORRUPT_MODEL, "mine");
  EXPECT_INVALID(dotori_model_load_memory(NULL, 4, NULL, &model, &error), "bytes is NULL");
  CHECK(model.id == 0);

  model = load(files->classifier);
  DOTORI_INIT(info);
  EXPECT_OK(dotori_model_get_info(model, &info, &error));
  CHECK(info.task == DOTORI_TASK_CLASSIFICATION && info.input_count == 1 && info.output_count == 1);
  CHECK(info.label_count == 5 && info.file_bytes > 100 && strcmp(info.name, "classifier") == 0);
  info.struct_size = 4;
  EXPECT_INVALID(dotori_model_get_info(model, &info, &error), "struct_size is 4");
  EXPECT_INVALID(dotori_model_get_info(model, NULL, &error), "info is NULL");

  DOTORI_INIT(tensor);
  EXPECT_OK(dotori_model_input(model, 0, &tensor, &error));
  CHECK(tensor.type == DOTORI_FLOAT32 && tensor.rank == 4 && tensor.dims[0] == 1 && tensor.dims[1] == kSide);
  CHECK(tensor.dims[3] == 3 && tensor.dims[4] == 0 && tensor.data == NULL);
  CHECK(tensor.size_bytes == 3 * kPixels * sizeof(float) && strcmp(tensor.name, "x") == 0);
  EXPECT_OK(dotori_model_output(model, 0, &tensor, &error));
  EXPECT_INVALID(dotori_model_input(model, 1, &tensor, &error), "the model has 1");
  EXPECT_INVALID(dotori_model_output(model, -1, &tensor, &error), "-1");

  EXPECT_OK(dotori_model_label(model, 1, text, sizeof text, &needed, &error));
  CHECK(strcmp(text, "\xEB\x8F\x84\xED\x86\xA0\xEB\xA6\xAC") == 0 && needed == 10); /* 도토리 */
  EXPECT_OK(dotori_model_label(model, 1, text, 6, &needed, &error));
  CHECK(strcmp(text, "\xEB\x8F\x84") == 0 && needed == 10); /* whole characters only */
  EXPECT_OK(dotori_model_label(model, 1, NULL, 0, &needed, &error));
  EXPECT_INVALID(dotori_model_label(model, 1, NULL, 5, &needed, &error), "text is NULL");
  EXPECT_INVALID(dotori_model_label(model, 5, text, sizeof text, NULL, &error), "label 5");
  EXPECT_OK(dotori_model_json(model, text, sizeof text, &needed, &error));
  CHECK(needed == strlen(text) + 1 && strstr(text, "\"task\":\"classification\"") != NULL);
  CHECK(strstr(text, "\"shape\":[1,8,8,3]") != NULL && strstr(text, "quote \\\" and \\\\") != NULL);

  /* From memory. */
  {
    FILE* file = fopen(files->classifier, "rb");
    static char bytes[1 << 20];
    const size_t size = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file != NULL) fclose(file);
    EXPECT_OK(dotori_model_load_memory(bytes, size, "mine", &again, &error));
    memset(bytes, 0, sizeof bytes);
    DOTORI_INIT(info);
    EXPECT_OK(dotori_model_get_info(again, &info, &error));
    EXPECT_OK(dotori_model_close(again, &error));
  }
  EXPECT_OK(dotori_model_close(model, &error));
  return failures;
}

/* Which cores; and a program of the first version, whose structures end before them. */
static void check_cores(dotori_model model) {
  dotori_session session = {0};
  dotori_session_options options;
  dotori_session_info info;
  uint64_t all = 0, big = 0, little = 0;
  EXPECT_OK(dotori_core_mask(DOTORI_CORES_ALL, &all, &error));
  EXPECT_OK(dotori_core_mask(DOTORI_CORES_BIG, &big, &error));
  EXPECT_OK(dotori_core_mask(DOTORI_CORES_LITTLE, &little, &error));
  CHECK(all != 0 && (big | little) == all);
  EXPECT_INVALID(dotori_core_mask(3, &all, &error), "cores is 3");
  EXPECT_INVALID(dotori_core_mask(DOTORI_CORES_ALL, NULL, &error), "mask is NULL");

  DOTORI_INIT(options);
  options.cores = -1;
  EXPECT_INVALID(dotori_session_create(model, &options, &session, &error), "options.cores is -1");
  options.cores = DOTORI_CORES_LITTLE;
  options.num_threads = -1;
  EXPECT_OK(dotori_session_create(model, &options, &session, &error));
  DOTORI_INIT(info);
  EXPECT_OK(dotori_session_get_info(session, &info, &error));
  CHECK(info.core_mask == little && info.num_threads >= 1);
  EXPECT_OK(dotori_session_run(session, &error));
  EXPECT_OK(dotori_session_close(session, &error));

  options.core_mask = all & (~all + 1); /* the first one */
  EXPECT_OK(dotori_session_create(model, &options, &session, &error));
  EXPECT_OK(dotori_session_get_info(session, &info, &error));
  CHECK(info.core_mask == options.core_mask && info.num_threads == 1);
  EXPECT_OK(dotori_session_close(session, &error));
  if (all != UINT64_MAX) {
    options.core_mask = UINT64_MAX;
    EXPECT_INVALID(dotori_session_create(model, &options, &session, &error), "core_mask: core");
  }

  options.core_mask = UINT64_MAX;
  options.cores = 77;
  options.struct_size = offsetof(dotori_session_options, cores);
  EXPECT_OK(dotori_session_create(model, &options, &session, &error));
  DOTORI_INIT(info);
  info.struct_size = offsetof(dotori_session_info, core_mask);
  info.core_mask = 12345;
  EXPECT_OK(dotori_session_get_info(session, &info, &error));
  CHECK(info.core_mask == 12345 && info.input_count == 1);
  CHECK(info.struct_size == offsetof(dotori_session_info, core_mask));
  info.struct_size -= 1;
  EXPECT_INVALID(dotori_session_get_info(session, &info, &error), "info.struct_size");
  EXPECT_OK(dotori_session_close(session, &error));
  options.struct_size -= 1;
  EXPECT_INVALID(dotori_session_create(model, &options, &session, &error), "options.struct_size");
  options.struct_size = sizeof options + 8;
  EXPECT_INVALID(dotori_session_create(model, &options, &session, &error), "options.struct_size");
}

int check_sessions(const c_api_files* files) {
  dotori_model model = load(files->classifier);
  dotori_session session = {0}, plain = {0};
  dotori_session_options options;
  dotori_session_info info;
  dotori_tensor in, out;
  float numbers[3 * kPixels], scores[5], reference[5];
  size_t i;
  failures = 0;
  DOTORI_INIT(options);
  options.num_threads = 65;
  EXPECT_INVALID(dotori_session_create(model, &options, &session, &error), "num_threads is 65");
  options.num_threads = 2;
  options.backend = 77;
  EXPECT_INVALID(dotori_session_create(model, &options, &session, &error), "backend is 77");
  options.backend = DOTORI_BACKEND_CPU;
  options.max_memory_bytes = 16;
  EXPECT_CODE(dotori_session_create(model, &options, &session, &error), DOTORI_OUT_OF_MEMORY, "");
  options.max_memory_bytes = 0;
  options.struct_size = 0;
  EXPECT_INVALID(dotori_session_create(model, &options, &session, &error), "options.struct_size is 0");
  options.struct_size = sizeof options;
  EXPECT_INVALID(dotori_session_create(model, &options, NULL, &error), "session is NULL");
  EXPECT_OK(dotori_session_create(model, &options, &session, &error));
  options.backend = DOTORI_BACKEND_REFERENCE;
  EXPECT_OK(dotori_session_create(model, &options, &plain, &error));
  check_cores(model);
  DOTORI_INIT(info);
  EXPECT_OK(dotori_session_get_info(session, &info, &error));
  CHECK(info.num_threads == 2 && info.input_count == 1 && info.output_count == 1 && info.arena_bytes > 0);
  CHECK(info.backend == DOTORI_BACKEND_CPU);

  for (i = 0; i < 3 * kPixels; ++i) numbers[i] = (float)(i % 17) / 17;
  EXPECT_INVALID(dotori_session_set_input(session, 0, numbers, sizeof numbers - 1, &error), "768 bytes");
  EXPECT_INVALID(dotori_session_set_input(session, 1, numbers, sizeof numbers, &error), "input 1");
  EXPECT_INVALID(dotori_session_set_input(session, 0, NULL, sizeof numbers, &error), "bytes is NULL");
  EXPECT_OK(dotori_session_set_input(session, 0, numbers, sizeof numbers, &error));
  EXPECT_OK(dotori_session_run(session, &error));
  EXPECT_INVALID(dotori_session_get_output(session, 0, scores, 4, &error), "20 bytes");
  EXPECT_OK(dotori_session_get_output(session, 0, scores, sizeof scores, &error));
  DOTORI_INIT(in);
  DOTORI_INIT(out);
  EXPECT_OK(dotori_session_input(plain, 0, &in, &error));
  EXPECT_INVALID(dotori_session_input(plain, 3, &in, &error), "input 3");
  memcpy(in.data, numbers, in.size_bytes);
  EXPECT_OK(dotori_session_run(plain, &error));
  EXPECT_OK(dotori_session_output(plain, 0, &out, &error));
  memcpy(reference, out.data, sizeof reference);
  {
    float sum = 0;
    for (i = 0; i < 5; ++i) {
      const float d = scores[i] - reference[i];
      CHECK(d < 1e-5f && d > -1e-5f);
      sum += scores[i];
    }
    CHECK(sum > 0.999f && sum < 1.001f); /* a softmax */
    CHECK(scores[0] != scores[1]);
  }
  EXPECT_OK(dotori_session_close(session, &error));
  EXPECT_OK(dotori_session_close(plain, &error));
  EXPECT_OK(dotori_model_close(model, &error));
  return failures;
}

int check_images(const c_api_files* files) {
  uint8_t rgb[3 * kPixels], back[3 * kPixels], yuv[kPixels * 3 / 2];
  uint32_t argb[kPixels];
  dotori_image image = {0}, other = {0};
  int32_t width = 0, height = 0;
  char path[1024];
  dotori_yuv photo;
  failures = 0;
  paint(rgb, argb);
  EXPECT_INVALID(dotori_image_from_rgb(rgb, sizeof rgb - 1, kSide, kSide, 0, &image, &error), "191 bytes");
  EXPECT_INVALID(dotori_image_from_rgb(rgb, sizeof rgb, kSide, kSide, 23, &image, &error), "row_stride is 23");
  EXPECT_INVALID(dotori_image_from_rgb(rgb, sizeof rgb, 0, kSide, 0, &image, &error), "0 x 8");
  EXPECT_INVALID(dotori_image_from_rgb(rgb, sizeof rgb, kSide, 1 << 30, 0, &image, &error), "8 x 1073741824");
  EXPECT_INVALID(dotori_image_from_rgb(rgb, sizeof rgb, kSide, kSide, (size_t)-1, &image, &error), "too few");
  EXPECT_INVALID(dotori_image_from_rgb(NULL, sizeof rgb, kSide, kSide, 0, &image, &error), "pixels is NULL");
  EXPECT_INVALID(dotori_image_from_rgb(rgb, sizeof rgb, kSide, kSide, 0, NULL, &error), "image is NULL");
  EXPECT_INVALID(dotori_image_from_argb(argb, kPixels - 1, kSide, kSide, 0, &image, &error), "63 pixels");
  CHECK(image.id == 0);
  EXPECT_OK(dotori_image_from_argb(argb, kPixels, kSide, kSide, 0, &image, &error));
  EXPECT_OK(dotori_image_size(image, &width, &height, &error));
  CHECK(width == kSide && height == kSide);
  EXPECT_INVALID(dotori_image_size(image, NULL, &height, &error), "width is NULL");
  EXPECT_INVALID(dotori_image_pixels(image, back, 5, &error), "192 bytes");
  EXPECT_OK(dotori_image_pixels(image, back, sizeof back, &error));
  CHECK(memcmp(rgb, back, sizeof rgb) == 0);

  /* PNG out and in again. */
  snprintf(path, sizeof path, "%s/c_api.png", files->folder);
  EXPECT_OK(dotori_image_save_png(image, path, &error));
  EXPECT_OK(dotori_image_load_file(path, 0, &other, &error));
  memset(back, 0, sizeof back);
  EXPECT_OK(dotori_image_pixels(other, back, sizeof back, &error));
  CHECK(memcmp(rgb, back, sizeof rgb) == 0);
  EXPECT_OK(dotori_image_close(other, &error));
  EXPECT_CODE(dotori_image_load_file(path, 10, &other, &error), DOTORI_OUT_OF_MEMORY, path);
  EXPECT_CODE(dotori_image_load_file("/nowhere.png", 0, &other, &error), DOTORI_NOT_FOUND, "/nowhere.png");
  EXPECT_CODE(dotori_image_save_png(image, "/nowhere/x.png", &error), DOTORI_IO_ERROR, "/nowhere/x.png");
  EXPECT_CODE(dotori_image_decode("abcdefghijkl", 12, 0, &other, &error), DOTORI_UNSUPPORTED, "");
  EXPECT_INVALID(dotori_image_decode("", 0, 0, &other, &error), "");
  EXPECT_OK(dotori_image_close(image, &error));

  /* Gray camera pictures come out gray. */
  memset(yuv, 128, sizeof yuv);
  DOTORI_INIT(photo);
  photo.y = yuv;
  photo.v = yuv + kPixels;
  photo.u = photo.v + 1;
  photo.y_size_bytes = kPixels;
  photo.v_size_bytes = kPixels / 2;
  photo.u_size_bytes = kPixels / 2 - 1;
  photo.width = photo.height = kSide;
  photo.y_row_stride = photo.uv_row_stride = kSide;
  photo.uv_pixel_stride = 2;
  EXPECT_OK(dotori_image_from_yuv(&photo, 90, &image, &error));
  EXPECT_OK(dotori_image_pixels(image, back, sizeof back, &error));
  CHECK(back[0] == 128 && back[1] == 128 && back[sizeof back - 1] == 128);
  EXPECT_OK(dotori_image_close(image, &error));
  EXPECT_INVALID(dotori_image_from_yuv(&photo, 45, &image, &error), "45");
  photo.y_size_bytes -= 1;
  EXPECT_INVALID(dotori_image_from_yuv(&photo, 0, &image, &error), "63");
  photo.matrix = 4;
  EXPECT_INVALID(dotori_image_from_yuv(&photo, 0, &image, &error), "matrix is 4");
  EXPECT_INVALID(dotori_image_from_yuv(NULL, 0, &image, &error), "photo is NULL");
  return failures;
}

int check_answers(const c_api_files* files) {
  uint8_t rgb[3 * kPixels], mask[kPixels];
  uint32_t argb[kPixels];
  dotori_image image;
  dotori_session classifier = session_of(files->classifier), detector = session_of(files->detector),
                 segmenter = session_of(files->segmenter);
  dotori_class classes[9], few[2];
  dotori_box boxes[200];
  dotori_region regions[64];
  dotori_detect_options options;
  size_t count = 99, i, all;
  int32_t width = 0, height = 0;
  failures = 0;
  paint(rgb, argb);
  image = painted();

  EXPECT_OK(dotori_session_fill_image(classifier, image, &error));
  EXPECT_INVALID(dotori_session_classes(classifier, classes, 9, &count, &error), "has not run");
  EXPECT_OK(dotori_session_run(classifier, &error));
  EXPECT_OK(dotori_session_classes(classifier, classes, 9, &count, &error));
  CHECK(count == 5);
  for (i = 1; i < count; ++i) CHECK(classes[i - 1].score >= classes[i].score);
  EXPECT_OK(dotori_session_fill_argb(classifier, argb, kPixels, kSide, kSide, 0, &error));
  EXPECT_OK(dotori_session_run(classifier, &error));
  EXPECT_OK(dotori_session_classes(classifier, few, 2, &count, &error));
  CHECK(count == 2 && few[0].index == classes[0].index && few[0].score == classes[0].score);
  EXPECT_OK(dotori_session_classes(classifier, NULL, 0, &count, &error));
  CHECK(count == 0);
  EXPECT_INVALID(dotori_session_classes(classifier, NULL, 2, &count, &error), "classes is NULL");
  EXPECT_INVALID(dotori_session_classes(classifier, few, 2, NULL, &error), "count is NULL");
  EXPECT_CODE(dotori_session_boxes(classifier, NULL, boxes, 200, &count, &error), DOTORI_UNSUPPORTED,
              "classification, not for detection");
  EXPECT_CODE(dotori_session_mask(classifier, mask, sizeof mask, &error), DOTORI_UNSUPPORTED, "not for segmentation");

  EXPECT_OK(dotori_session_run(detector, &error));
  EXPECT_INVALID(dotori_session_boxes(detector, NULL, boxes, 200, &count, &error), "no photo");
  EXPECT_INVALID(dotori_session_photo_size(detector, &width, &height, &error), "no photo");
  EXPECT_OK(dotori_session_fill_image(detector, image, &error));
  EXPECT_OK(dotori_session_run(detector, &error));
  DOTORI_INIT(options);
  options.score_threshold = 0.01f;
  EXPECT_OK(dotori_session_boxes(detector, &options, boxes, 200, &count, &error));
  CHECK(count > 1);
  for (i = 0; i < count; ++i) {
    CHECK(boxes[i].x0 >= 0 && boxes[i].x0 < boxes[i].x1 && boxes[i].x1 <= kSide && boxes[i].y0 < boxes[i].y1);
    CHECK(boxes[i].score >= 0.01f && boxes[i].score <= 1 && boxes[i].class_index >= 0 && boxes[i].class_index < 2);
  }
  all = count;
  options.score_threshold = 1;
  EXPECT_OK(dotori_session_boxes(detector, &options, boxes, 200, &count, &error));
  CHECK(count < all);
  options.score_threshold = 1.5f;
  EXPECT_INVALID(dotori_session_boxes(detector, &options, boxes, 200, &count, &error), "score_threshold is 1.5");
  options.score_threshold = 0;
  options.nms_iou = -1;
  EXPECT_INVALID(dotori_session_boxes(detector, &options, boxes, 200, &count, &error), "nms_iou is -1");

  EXPECT_OK(dotori_session_fill_image(segmenter, image, &error));
  EXPECT_OK(dotori_session_run(segmenter, &error));
  EXPECT_OK(dotori_session_photo_size(segmenter, &width, &height, &error));
  CHECK(width == kSide && height == kSide);
  EXPECT_INVALID(dotori_session_mask(segmenter, mask, 3, &error), "64 bytes");
  EXPECT_OK(dotori_session_mask(segmenter, mask, sizeof mask, &error));
  EXPECT_OK(dotori_session_regions(segmenter, 1, regions, 64, &count, &error));
  {
    int64_t pixels = 0, painted_pixels = 0;
    for (i = 0; i < count; ++i) pixels += regions[i].pixels;
    for (i = 0; i < sizeof mask; ++i) painted_pixels += mask[i] != 0;
    CHECK(count > 0 && pixels == painted_pixels && pixels > 0);
  }
  EXPECT_OK(dotori_session_close(classifier, &error));
  EXPECT_OK(dotori_session_close(detector, &error));
  EXPECT_OK(dotori_session_close(segmenter, &error));
  EXPECT_OK(dotori_image_close(image, &error));
  return failures;
}

int check_handles(const c_api_files* files) {
  dotori_model model = load(files->classifier), none = {0}, reused;
  dotori_session session = {0}, fake;
  dotori_image image = painted(), as_image;
  dotori_model_info info;
  dotori_tensor tensor;
  failures = 0;
  DOTORI_INIT(info);
  DOTORI_INIT(tensor);
  EXPECT_OK(dotori_model_close(none, &error));
  EXPECT_INVALID(dotori_model_get_info(none, &info, &error), "no handle");
  EXPECT_OK(dotori_session_create(model, NULL, &session, &error));
  /* Of another kind, made up, closed, closed twice, and after another handle took the place. */
  as_image.id = session.id;
  EXPECT_INVALID(dotori_image_close(as_image, &error), "of another kind");
  fake.id = 0x123456789ABCull;
  EXPECT_INVALID(dotori_session_run(fake, &error), "never open");
  fake.id = session.id + ((uint64_t)1 << 32);
  EXPECT_INVALID(dotori_session_run(fake, &error), "never open");
  EXPECT_OK(dotori_model_close(model, &error));
  EXPECT_INVALID(dotori_model_close(model, &error), "closed");
  EXPECT_INVALID(dotori_model_get_info(model, &info, &error), "closed");
  reused = load(files->classifier);
  EXPECT_INVALID(dotori_model_get_info(model, &info, &error), "closed");
  EXPECT_OK(dotori_model_get_info(reused, &info, &error));
  EXPECT_OK(dotori_model_close(reused, &error));
  EXPECT_OK(dotori_session_run(session, &error)); /* its model was closed */
  EXPECT_OK(dotori_session_close(session, &error));
  EXPECT_INVALID(dotori_session_run(session, &error), "closed");
  EXPECT_INVALID(dotori_session_close(session, &error), "closed");
  EXPECT_INVALID(dotori_session_input(session, 0, &tensor, &error), "closed");
  EXPECT_INVALID(dotori_session_fill_image(session, image, &error), "closed");
  EXPECT_OK(dotori_image_close(image, &error));
  EXPECT_INVALID(dotori_image_close(image, &error), "closed");
  /* Many at a time. */
  {
    static dotori_image many[500];
    int i;
    for (i = 0; i < 500; ++i) many[i] = painted();
    for (i = 0; i < 500; ++i) EXPECT_OK(dotori_image_close(many[i], &error));
    for (i = 0; i < 500; ++i) EXPECT_INVALID(dotori_image_close(many[i], &error), "closed");
  }
  return failures;
}

enum { kRounds = 300 };
typedef struct worker {
  dotori_session session;
  int busy, done, closed, other;
} worker;

static void* run_often(void* argument) {
  worker* w = (worker*)argument;
  int i;
  for (i = 0; i < kRounds; ++i) {
    switch (dotori_session_run(w->session, NULL)) {
      case DOTORI_OK: ++w->done; break;
      case DOTORI_BUSY: ++w->busy; break;
      case DOTORI_INVALID_ARGUMENT: ++w->closed; break;
      default: ++w->other;
    }
  }
  return NULL;
}

int check_threads(const c_api_files* files) {
  /* Four threads on one session, which a fifth closes: every call runs, is busy or meets a closed handle. */
  dotori_session session = session_of(files->segmenter);
  worker workers[4];
  pthread_t threads[4];
  int i, all = 0;
  failures = 0;
  memset(workers, 0, sizeof workers);
  for (i = 0; i < 4; ++i) {
    workers[i].session = session;
    CHECK(pthread_create(&threads[i], NULL, run_often, &workers[i]) == 0);
  }
  for (i = 0; i < 50; ++i) {
    const int32_t code = dotori_session_run(session, NULL);
    CHECK(code == DOTORI_OK || code == DOTORI_BUSY);
  }
  EXPECT_OK(dotori_session_close(session, &error));
  for (i = 0; i < 4; ++i) {
    pthread_join(threads[i], NULL);
    all += workers[i].done + workers[i].busy + workers[i].closed;
    CHECK(workers[i].other == 0);
  }
  CHECK(all == 4 * kRounds);
  EXPECT_INVALID(dotori_session_run(session, &error), "closed");
  return failures;
}
