// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/conv3d.h"

#include "graph/ops/volume.h"

namespace dotori::graph {

Status infer(const Conv3d& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(check_volume_convolution(op, inputs, outputs));
  const Shape& x = inputs[0].shape();
  const VolumeAxes axes = volume_axes(op, x);
  std::int64_t out_d = 0, out_h = 0, out_w = 0;
  DOTORI_ASSIGN_OR_RETURN(out_d, convolution_output(axes.depth));
  DOTORI_ASSIGN_OR_RETURN(out_h, convolution_output(axes.height));
  DOTORI_ASSIGN_OR_RETURN(out_w, convolution_output(axes.width));
  return set_output(outputs, inputs[0].type.type, {x[0], out_d, out_h, out_w, inputs[1].shape()[0]});
}

}  // namespace dotori::graph
