/* SPDX-License-Identifier: Apache-2.0
 * Dotori's C API: C99, for C programs and for other languages' bindings. The ABI is stable: functions and members are
 * added, never changed; dotori_abi_version() rises by one with each addition.
 *
 * Conventions
 * - Every function that can fail returns DOTORI_OK or another dotori_code, and writes why into `error` when that is not
 *   NULL. `error` belongs to the caller; on success its message becomes empty.
 * - Structures begin with `struct_size`, which the caller sets to sizeof of the structure it was compiled with (the
 *   DOTORI_INIT macro does, and zeroes the rest; zero always means the default). A smaller size is an older program:
 * members behind it are neither read nor written. A size below the first version's or above the library's is
 *   DOTORI_INVALID_ARGUMENT, except in dotori_error, where too small a size counts as no error structure at all.
 * - Handles are numbers, not pointers: {0} is no handle. A handle that was closed, never existed or is of another kind
 * is DOTORI_INVALID_ARGUMENT, in every function, also when another handle took its place. Closing {0} does nothing.
 * - Out parameters are written on success only. Text in and out is UTF-8. Text out goes to a buffer of the caller,
 * always with a final zero, cut between characters when the buffer is small; `needed`, where not NULL, receives the
 * size that holds all of it, zero included.
 * - Threads: all functions may be called from any thread. One thread at a time may use a session: a call that meets
 *   another one gets DOTORI_BUSY. What is closed while another thread's call uses it lives until that call returns.
 * - Nothing throws, prints or calls exit(). Large allocations (weights, activations, pictures) that fail are DOTORI_OUT_OF_MEMORY;
 *   where even a few bytes for a name or a handle are not to be had, the process ends, as operator new does.
 */
#ifndef DOTORI_C_API_H_
#define DOTORI_C_API_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define DOTORI_C_API __attribute__((visibility("default")))
#else
#define DOTORI_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Zeroes a structure and sets its struct_size: dotori_error error; DOTORI_INIT(error); */
#define DOTORI_INIT(structure)                   \
  do {                                           \
    memset(&(structure), 0, sizeof(structure));  \
    (structure).struct_size = sizeof(structure); \
  } while (0)

/* ---------------------------------------------------------------- errors and version */

typedef enum dotori_code {
  DOTORI_OK = 0,
  DOTORI_INVALID_ARGUMENT = 1, /* a value the function does not accept */
  DOTORI_NOT_FOUND = 2,        /* a file or a name does not exist */
  DOTORI_CORRUPT_MODEL = 3,    /* the file is damaged, truncated or inconsistent */
  DOTORI_UNSUPPORTED = 4,      /* well-formed, but an operator, option or version this build does not know */
  DOTORI_OUT_OF_MEMORY = 5,    /* an allocation failed or a stated budget would be passed */
  DOTORI_IO_ERROR = 6,         /* the operating system refused a read or a write */
  DOTORI_BUSY = 7,             /* another thread is using the session */
  DOTORI_INTERNAL = 8          /* a defect in Dotori; please report it */
} dotori_code;

typedef struct dotori_error {
  size_t struct_size;
  int32_t code;       /* a dotori_code */
  char message[1012]; /* names the file, node and value at fault, what was expected and what was found */
} dotori_error;

DOTORI_C_API uint32_t dotori_abi_version(void);
DOTORI_C_API const char* dotori_version(void);           /* "0.1.0"; static storage, as the next two */
DOTORI_C_API const char* dotori_code_name(int32_t code); /* "corrupt model"; "unknown code" for others */
DOTORI_C_API const char* dotori_instruction_set(void);   /* "avx2", "avx512", "avx512_vnni", "neon", "neon_dot", "none" */

/* ---------------------------------------------------------------- models */

typedef struct dotori_model { /* a verified network; immutable, shared by any number of sessions */
  uint64_t id;
} dotori_model;

enum { DOTORI_MAX_RANK = 6, DOTORI_NAME_BYTES = 256 };
typedef enum dotori_type {
  DOTORI_FLOAT32 = 0,
  DOTORI_INT8 = 1,
  DOTORI_UINT8 = 2,
  DOTORI_INT32 = 3,
  DOTORI_INT64 = 4,
  DOTORI_BOOL = 5
} dotori_type;
typedef enum dotori_task {
  DOTORI_TASK_NONE = 0,
  DOTORI_TASK_CLASSIFICATION = 1,
  DOTORI_TASK_DETECTION = 2,
  DOTORI_TASK_SEGMENTATION = 3
} dotori_task;

typedef struct dotori_model_info {
  size_t struct_size;
  int32_t task; /* a dotori_task */
  int32_t input_count, output_count, label_count;
  uint64_t file_bytes;
  char name[DOTORI_NAME_BYTES]; /* cut when longer */
} dotori_model_info;

/* An input or output of a model, or of a session: then `data` is its memory, size_bytes long, dense, outermost
 * dimension first (images are NHWC). `data` belongs to the session and is valid until it is closed; NULL for a model's.
 * 8-bit elements with scale > 0 stand for real numbers: real = scale * (stored - zero_point). */
typedef struct dotori_tensor {
  size_t struct_size;
  int32_t type; /* a dotori_type */
  int32_t rank;
  int64_t dims[DOTORI_MAX_RANK]; /* the first `rank` hold the shape, the others 0 */
  float scale;
  int32_t zero_point;
  void* data;
  size_t size_bytes;
  char name[DOTORI_NAME_BYTES]; /* cut when longer */
} dotori_tensor;

DOTORI_C_API int32_t dotori_model_load_file(const char* path, dotori_model* model, dotori_error* error);
/* The bytes are copied. `name` (may be NULL) stands in error messages. */
DOTORI_C_API int32_t dotori_model_load_memory(const void* bytes, size_t size_bytes, const char* name,
                                              dotori_model* model, dotori_error* error);
/* Sessions made of the model go on working. */
DOTORI_C_API int32_t dotori_model_close(dotori_model model, dotori_error* error);
DOTORI_C_API int32_t dotori_model_get_info(dotori_model model, dotori_model_info* info, dotori_error* error);
DOTORI_C_API int32_t dotori_model_input(dotori_model model, int32_t index, dotori_tensor* tensor, dotori_error* error);
DOTORI_C_API int32_t dotori_model_output(dotori_model model, int32_t index, dotori_tensor* tensor, dotori_error* error);
DOTORI_C_API int32_t dotori_model_label(dotori_model model, int32_t index, char* text, size_t size_bytes,
                                        size_t* needed, dotori_error* error);
/* One JSON object: name, task, inputs, outputs, labels, nodes, parameters, file_bytes. */
DOTORI_C_API int32_t dotori_model_json(dotori_model model, char* text, size_t size_bytes, size_t* needed,
                                       dotori_error* error);

/* ---------------------------------------------------------------- sessions */

typedef struct dotori_session { /* a model with its memory and threads, ready to run */
  uint64_t id;
} dotori_session;

typedef enum dotori_backend {
  DOTORI_BACKEND_CPU = 0,       /* the fastest kernels the machine has */
  DOTORI_BACKEND_REFERENCE = 1, /* plain C++ kernels only: slow, the specification */
  DOTORI_BACKEND_XNNPACK = 2,   /* XNNPACK for what it takes; DOTORI_UNSUPPORTED in a build without it */
  DOTORI_BACKEND_AUTO = 3 /* CPU or XNNPACK, whichever runs this network faster: creating the session times both */
} dotori_backend;

typedef enum dotori_cores {
  DOTORI_CORES_ALL = 0,   /* wherever the system likes */
  DOTORI_CORES_BIG = 1,   /* all but the little ones; all where they are alike, as for little */
  DOTORI_CORES_LITTLE = 2 /* those of the least capacity */
} dotori_cores;

/* Those of `cores` (a dotori_cores) that the calling thread may use now; bit i: CPU i, of the first 64. 0 where the
 * system does not tell. */
DOTORI_C_API int32_t dotori_core_mask(int32_t cores, uint64_t* mask, dotori_error* error);

typedef struct dotori_session_options {
  size_t struct_size;
  int32_t backend;           /* a dotori_backend */
  int32_t num_threads;       /* 1..64; 0: one; -1: one for each core of those chosen below */
  uint64_t max_memory_bytes; /* refuse a plan that needs more; 0: 4 GiB */
  /* Since ABI 2. The session's threads stay on the chosen cores; the thread that creates or runs the session is moved
   * there for the call and gets its own cores back. */
  int32_t cores;      /* a dotori_cores */
  uint64_t core_mask; /* bit i: CPU i, each of which must be usable; goes before `cores`; 0: none */
} dotori_session_options;

typedef struct dotori_session_info {
  size_t struct_size;
  int32_t backend, num_threads;
  int32_t input_count, output_count;
  uint64_t arena_bytes;  /* activations and scratch */
  uint64_t packed_bytes; /* weights re-laid out for the kernels */
  /* Since ABI 2. */
  uint64_t core_mask; /* where it runs, of the first 64 CPUs; 0: wherever the system likes */
} dotori_session_info;

/* `options` may be NULL: the defaults. */
DOTORI_C_API int32_t dotori_session_create(dotori_model model, const dotori_session_options* options,
                                           dotori_session* session, dotori_error* error);
DOTORI_C_API int32_t dotori_session_close(dotori_session session, dotori_error* error);
DOTORI_C_API int32_t dotori_session_get_info(dotori_session session, dotori_session_info* info, dotori_error* error);
/* With tensor->data: fill inputs in place before, read outputs after dotori_session_run(); contents last until the next
 * one. */
DOTORI_C_API int32_t dotori_session_input(dotori_session session, int32_t index, dotori_tensor* tensor,
                                          dotori_error* error);
DOTORI_C_API int32_t dotori_session_output(dotori_session session, int32_t index, dotori_tensor* tensor,
                                           dotori_error* error);
/* The same by copying; size_bytes must be the tensor's. */
DOTORI_C_API int32_t dotori_session_set_input(dotori_session session, int32_t index, const void* bytes,
                                              size_t size_bytes, dotori_error* error);
DOTORI_C_API int32_t dotori_session_get_output(dotori_session session, int32_t index, void* bytes, size_t size_bytes,
                                               dotori_error* error);
DOTORI_C_API int32_t dotori_session_run(dotori_session session, dotori_error* error);

/* ---------------------------------------------------------------- photos */

typedef struct dotori_image { /* 8-bit RGB, rows from the top without padding */
  uint64_t id;
} dotori_image;

/* JPEG, PNG or BMP, at most max_pixels (0: 40 million) of width * height. DOTORI_UNSUPPORTED in a build without
 * decoders. */
DOTORI_C_API int32_t dotori_image_decode(const void* bytes, size_t size_bytes, uint64_t max_pixels, dotori_image* image,
                                         dotori_error* error);
DOTORI_C_API int32_t dotori_image_load_file(const char* path, uint64_t max_pixels, dotori_image* image,
                                            dotori_error* error);
/* Copies rows of `width` RGB triples, row_stride bytes apart (0: 3 * width). */
DOTORI_C_API int32_t dotori_image_from_rgb(const uint8_t* pixels, size_t size_bytes, int32_t width, int32_t height,
                                           size_t row_stride, dotori_image* image, dotori_error* error);
/* Copies rows of `width` pixels 0xAARRGGBB (alpha is ignored), row_stride pixels apart (0: width). */
DOTORI_C_API int32_t dotori_image_from_argb(const uint32_t* pixels, size_t pixel_count, int32_t width, int32_t height,
                                            size_t row_stride, dotori_image* image, dotori_error* error);
DOTORI_C_API int32_t dotori_image_size(dotori_image image, int32_t* width, int32_t* height, dotori_error* error);
/* Copies 3 * width * height bytes; size_bytes must be that. */
DOTORI_C_API int32_t dotori_image_pixels(dotori_image image, uint8_t* pixels, size_t size_bytes, dotori_error* error);
DOTORI_C_API int32_t dotori_image_save_png(dotori_image image, const char* path, dotori_error* error);
DOTORI_C_API int32_t dotori_image_close(dotori_image image, dotori_error* error);

typedef enum dotori_yuv_matrix {
  DOTORI_BT601_FULL = 0, /* what Android's cameras deliver */
  DOTORI_BT601_LIMITED = 1,
  DOTORI_BT709_FULL = 2,
  DOTORI_BT709_LIMITED = 3
} dotori_yuv_matrix;

/* A camera picture in YUV 4:2:0; the planes stay the caller's. NV21: u = v + 1 and uv_pixel_stride 2; NV12: v = u + 1;
 * I420: uv_pixel_stride 1; Android's YUV_420_888 planes as they come. Sizes are what may be read from each pointer. */
typedef struct dotori_yuv {
  size_t struct_size;
  const uint8_t *y, *u, *v;
  size_t y_size_bytes, u_size_bytes, v_size_bytes;
  int32_t width, height;
  int32_t y_row_stride, uv_row_stride, uv_pixel_stride;
  int32_t matrix; /* a dotori_yuv_matrix */
} dotori_yuv;

/* The upright picture; rotation_degrees (0, 90, 180 or 270): how far the picture must be turned clockwise. */
DOTORI_C_API int32_t dotori_image_from_yuv(const dotori_yuv* photo, int32_t rotation_degrees, dotori_image* image,
                                           dotori_error* error);

/* ---------------------------------------------------------------- photo -> answer */
/* Fill a session's inputs from a photo as the model's file says, run, read the answer. Answers are in the coordinates
 * of the photo filled in last (upright). */

DOTORI_C_API int32_t dotori_session_fill_image(dotori_session session, dotori_image image, dotori_error* error);
/* Straight from the camera's planes: no picture of full size in between. */
DOTORI_C_API int32_t dotori_session_fill_yuv(dotori_session session, const dotori_yuv* photo, int32_t rotation_degrees,
                                             dotori_error* error);
DOTORI_C_API int32_t dotori_session_fill_argb(dotori_session session, const uint32_t* pixels, size_t pixel_count,
                                              int32_t width, int32_t height, size_t row_stride, dotori_error* error);

typedef struct dotori_class {
  int32_t index;
  float score;
} dotori_class;

typedef struct dotori_box { /* photo pixels, x0 < x1, y0 < y1 */
  float x0, y0, x1, y1;
  int32_t class_index;
  float score; /* 0..1 */
} dotori_box;

typedef struct dotori_detect_options {
  size_t struct_size;
  float score_threshold; /* 0: the model's */
  float nms_iou;         /* 0: the model's */
} dotori_detect_options;

typedef struct dotori_region { /* one connected area of one class */
  int32_t class_index;
  int32_t x0, y0, x1, y1; /* bounding box, x1 and y1 exclusive */
  int64_t pixels;
  float centre_x, centre_y;
  float equivalent_diameter; /* of the disc with as many pixels */
} dotori_region;

/* Answers of the last run, best first. At most `capacity` are written; `count` receives how many were.
 * DOTORI_UNSUPPORTED for a model of another task, DOTORI_INVALID_ARGUMENT before the first run and, for boxes, mask and
 * regions, before a photo was filled in. */
DOTORI_C_API int32_t dotori_session_classes(dotori_session session, dotori_class* classes, size_t capacity,
                                            size_t* count, dotori_error* error);
/* `options` may be NULL. */
DOTORI_C_API int32_t dotori_session_boxes(dotori_session session, const dotori_detect_options* options,
                                          dotori_box* boxes, size_t capacity, size_t* count, dotori_error* error);
/* The size of the photo filled in last, which is the mask's. */
DOTORI_C_API int32_t dotori_session_photo_size(dotori_session session, int32_t* width, int32_t* height,
                                               dotori_error* error);
/* A class for each photo pixel, row by row; size_bytes must be width * height. */
DOTORI_C_API int32_t dotori_session_mask(dotori_session session, uint8_t* classes, size_t size_bytes,
                                         dotori_error* error);
/* Largest first; areas below min_pixels are left out. */
DOTORI_C_API int32_t dotori_session_regions(dotori_session session, int64_t min_pixels, dotori_region* regions,
                                            size_t capacity, size_t* count, dotori_error* error);

#ifdef __cplusplus
}
#endif

#endif /* DOTORI_C_API_H_ */
