// SPDX-License-Identifier: Apache-2.0
// Dotori: inference of vision CNNs on small CPUs. Read in this order: status.h, tensor.h, task.h, model.h, session.h;
// vision.h (photos in, answers out) is separate because the engine does not depend on images.
//
//   auto model = dotori::Model::load_file("mobilenet.dtr");
//   if (!model.ok()) return fail(model.status());
//   auto session = dotori::Session::create(*model);
//   if (!session.ok()) return fail(session.status());
//   dotori::TensorView image = session->input(0);   // [1,224,224,3] float32: fill image.f32()
//   dotori::Status status = session->run();
//   dotori::TensorView scores = session->output(0);
#pragma once

#include <dotori/cores.h>
#include <dotori/model.h>
#include <dotori/profile.h>
#include <dotori/session.h>
#include <dotori/span.h>
#include <dotori/status.h>
#include <dotori/task.h>
#include <dotori/tensor.h>
#include <dotori/version.h>
