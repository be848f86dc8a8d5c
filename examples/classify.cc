// SPDX-License-Identifier: Apache-2.0
// The five likeliest classes of a photo: example_classify MODEL.dtr PHOTO
#include <cstdio>

#include <dotori/dotori.h>
#include <dotori/vision.h>

static int fail(const dotori::Status& status) {
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: example_classify MODEL.dtr PHOTO\n"), 2;
  auto model = dotori::Model::load_file(argv[1]);
  if (!model.ok()) return fail(model.status());
  auto session = dotori::Session::create(*model);
  if (!session.ok()) return fail(session.status());

  auto photo = dotori::vision::load_image(argv[2]);
  if (!photo.ok()) return fail(photo.status());
  const dotori::TaskInfo& task = model->task();
  auto transform = dotori::vision::fill_input(*photo, task.preprocess, session->input(0));
  if (!transform.ok()) return fail(transform.status());
  if (dotori::Status status = session->run(); !status.ok()) return fail(status);

  auto top = dotori::vision::top_k(session->output(task.classification.output), 5, task.classification.apply_softmax);
  if (!top.ok()) return fail(top.status());
  for (const dotori::vision::ClassScore& c : *top) {
    const std::size_t i = static_cast<std::size_t>(c.index);
    std::printf("%5.1f %%  %s\n", static_cast<double>(c.score) * 100,
                i < task.labels.size() ? task.labels[i].c_str() : "?");
  }
  return 0;
}
