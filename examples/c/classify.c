/* SPDX-License-Identifier: Apache-2.0
 * The five likeliest classes of a photo, in C: example_classify_c MODEL.dtr PHOTO */
#include <stdio.h>

#include <dotori/c_api.h>

int main(int argc, char** argv) {
  dotori_model model = {0};
  dotori_session session = {0};
  dotori_image photo = {0};
  dotori_class top[5];
  size_t count = 0, i;
  dotori_error error;
  DOTORI_INIT(error);
  if (argc != 3) {
    fprintf(stderr, "usage: example_classify_c MODEL.dtr PHOTO\n");
    return 2;
  }

  if (dotori_model_load_file(argv[1], &model, &error) == DOTORI_OK &&
      dotori_session_create(model, NULL, &session, &error) == DOTORI_OK &&
      dotori_image_load_file(argv[2], 0, &photo, &error) == DOTORI_OK &&
      dotori_session_fill_image(session, photo, &error) == DOTORI_OK &&
      dotori_session_run(session, &error) == DOTORI_OK &&
      dotori_session_classes(session, top, 5, &count, &error) == DOTORI_OK) {
    for (i = 0; i < count; ++i) {
      char label[128] = "?";
      dotori_model_label(model, top[i].index, label, sizeof label, NULL, NULL);
      printf("%5.1f %%  %s\n", (double)top[i].score * 100, label);
    }
  } else {
    fprintf(stderr, "%s\n", error.message);
  }
  /* Closing a handle that was never opened does nothing. */
  dotori_image_close(photo, NULL);
  dotori_session_close(session, NULL);
  dotori_model_close(model, NULL);
  return error.code == DOTORI_OK ? 0 : 1;
}
