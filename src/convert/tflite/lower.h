// SPDX-License-Identifier: Apache-2.0
// One function for each group of TFLite operators: reads operands and options, appends nodes, binds the outputs.
// Errors need not name the operator; the caller does.
#pragma once

#include <dotori/status.h>

#include "convert/tflite/builder.h"

namespace dotori::convert::tflite {

using Lower = Status (*)(Builder& builder, const Operator& op);

// lower_window.cc: operators with a sliding window, and matrix products
Status lower_conv2d(Builder& builder, const Operator& op);
Status lower_depthwise_conv2d(Builder& builder, const Operator& op);
Status lower_transpose_conv(Builder& builder, const Operator& op);
Status lower_transpose_conv_bias(Builder& builder, const Operator& op);  // the custom Convolution2DTransposeBias
Status lower_fully_connected(Builder& builder, const Operator& op);
Status lower_pool(Builder& builder, const Operator& op);
Status lower_resize(Builder& builder, const Operator& op);

// lower_elementwise.cc
Status lower_binary(Builder& builder, const Operator& op);
Status lower_unary(Builder& builder, const Operator& op);
Status lower_add_n(Builder& builder, const Operator& op);
Status lower_l2_normalization(Builder& builder, const Operator& op);
Status lower_prelu(Builder& builder, const Operator& op);
Status lower_softmax(Builder& builder, const Operator& op);
Status lower_reduce(Builder& builder, const Operator& op);
Status lower_arg_max(Builder& builder, const Operator& op);
Status lower_cast(Builder& builder, const Operator& op);
Status lower_dequantize(Builder& builder, const Operator& op);
Status lower_quantize(Builder& builder, const Operator& op);

// lower_movement.cc: same elements, another shape or order
Status lower_reshape(Builder& builder, const Operator& op);
Status lower_squeeze(Builder& builder, const Operator& op);
Status lower_expand_dims(Builder& builder, const Operator& op);
Status lower_transpose(Builder& builder, const Operator& op);
Status lower_depth_to_space(Builder& builder, const Operator& op);
Status lower_space_to_depth(Builder& builder, const Operator& op);
Status lower_space_to_batch(Builder& builder, const Operator& op);  // SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND
Status lower_concatenation(Builder& builder, const Operator& op);
Status lower_pack(Builder& builder, const Operator& op);
Status lower_unpack(Builder& builder, const Operator& op);
Status lower_pad(Builder& builder, const Operator& op);
Status lower_gather(Builder& builder, const Operator& op);

// lower_slice.cc
Status lower_slice(Builder& builder, const Operator& op);
Status lower_strided_slice(Builder& builder, const Operator& op);
Status lower_split(Builder& builder, const Operator& op);
Status lower_split_v(Builder& builder, const Operator& op);

// lower_ssd.cc: the custom operator TFLite_Detection_PostProcess
Status lower_ssd_post_process(Builder& builder, const Operator& op);

// fold_integers.cc: computes an operator whose output is int32 or int64 and whose inputs are such constants (or, for
// SHAPE, anything of known shape): how files carry dynamic shapes. True: the output is a constant now.
Result<bool> fold_integers(Builder& builder, const Operator& op);

}  // namespace dotori::convert::tflite
