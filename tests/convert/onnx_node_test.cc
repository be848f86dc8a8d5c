// SPDX-License-Identifier: Apache-2.0
// The official ONNX node tests (Debian: libonnx-testdata) for the operators the importer maps, run on both backends.
// DOTORI_ONNX_TESTDATA names another folder than /usr/share/libonnx-testdata/data.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <dotori/dotori.h>

#include "backends/backend.h"
#include "convert/onnx/host_tensor.h"
#include "convert/onnx/import.h"
#include "graph/passes/passes.h"

namespace dotori {
namespace {

namespace fs = std::filesystem;
using convert::onnx::Dims;
using convert::onnx::Element;
using convert::onnx::HostTensor;

constexpr double kRelative = 1e-4, kAbsolute = 1e-5;

// Folder names without "test_": operators on computed tensors,
// clang-format off
constexpr const char* kComputed[] = {
    "abs", "add", "add_bcast", "argmax_default_axis_example", "argmax_default_axis_example_select_last_index",
    "argmax_default_axis_random", "argmax_default_axis_random_select_last_index", "argmax_keepdims_example",
    "argmax_keepdims_example_select_last_index", "argmax_keepdims_random", "argmax_keepdims_random_select_last_index",
    "argmax_negative_axis_keepdims_example", "argmax_negative_axis_keepdims_example_select_last_index",
    "argmax_negative_axis_keepdims_random", "argmax_negative_axis_keepdims_random_select_last_index",
    "argmax_no_keepdims_example", "argmax_no_keepdims_example_select_last_index", "argmax_no_keepdims_random",
    "argmax_no_keepdims_random_select_last_index", "argmin_default_axis_example",
    "argmin_default_axis_example_select_last_index", "argmin_default_axis_random",
    "argmin_default_axis_random_select_last_index", "argmin_keepdims_example",
    "argmin_keepdims_example_select_last_index", "argmin_keepdims_random", "argmin_keepdims_random_select_last_index",
    "argmin_negative_axis_keepdims_example", "argmin_negative_axis_keepdims_example_select_last_index",
    "argmin_negative_axis_keepdims_random", "argmin_negative_axis_keepdims_random_select_last_index",
    "argmin_no_keepdims_example", "argmin_no_keepdims_example_select_last_index", "argmin_no_keepdims_random",
    "argmin_no_keepdims_random_select_last_index", "averagepool_1d_default", "averagepool_2d_ceil",
    "averagepool_2d_default", "averagepool_2d_pads", "averagepool_2d_pads_count_include_pad",
    "averagepool_2d_precomputed_pads", "averagepool_2d_precomputed_pads_count_include_pad",
    "averagepool_2d_precomputed_same_upper", "averagepool_2d_precomputed_strides", "averagepool_2d_same_lower",
    "averagepool_2d_same_upper", "averagepool_2d_strides", "averagepool_3d_default", "basic_conv_with_padding", "basic_conv_without_padding",
    "batchnorm_epsilon", "batchnorm_example", "cast_FLOAT16_to_FLOAT", "castlike_FLOAT16_to_FLOAT_expanded", "ceil",
    "ceil_example", "celu_expanded", "clip", "clip_default_inbounds", "clip_default_int8_inbounds",
    "clip_default_max", "clip_default_min", "clip_example", "clip_inbounds", "clip_outbounds", "clip_splitbounds",
    "concat_1d_axis_0", "concat_1d_axis_negative_1", "concat_2d_axis_0", "concat_2d_axis_1",
    "concat_2d_axis_negative_1", "concat_2d_axis_negative_2", "concat_3d_axis_0", "concat_3d_axis_1",
    "concat_3d_axis_2", "concat_3d_axis_negative_1", "concat_3d_axis_negative_2", "concat_3d_axis_negative_3",
    "constant_pad", "conv_with_autopad_same", "conv_with_strides_and_asymmetric_padding",
    "conv_with_strides_no_padding", "conv_with_strides_padding", "convtranspose", "convtranspose_1d", "convtranspose_3d",
    "convtranspose_autopad_same", "convtranspose_dilations", "convtranspose_kernel_shape",
    "convtranspose_output_shape", "convtranspose_pad", "convtranspose_pads", "convtranspose_with_kernel", "cos",
    "cos_example", "depthtospace_crd_mode", "depthtospace_crd_mode_example", "depthtospace_dcr_mode",
    "depthtospace_example", "div", "div_bcast", "div_example", "dropout_default", "dropout_default_old",
    "dropout_default_ratio", "dropout_random_old", "edge_pad", "elu", "elu_default", "elu_example", "erf", "exp",
    "exp_example", "expand_dim_changed", "expand_dim_unchanged", "flatten_axis0", "flatten_axis1", "flatten_axis2",
    "flatten_axis3", "flatten_default_axis", "flatten_negative_axis1", "flatten_negative_axis2",
    "flatten_negative_axis3", "flatten_negative_axis4", "floor", "floor_example", "gather_0", "gather_1",
    "gather_2d_indices", "gather_negative_indices", "gemm_all_attributes", "gemm_alpha", "gemm_beta",
    "gemm_default_matrix_bias", "gemm_default_no_bias", "gemm_default_scalar_bias",
    "gemm_default_single_elem_vector_bias", "gemm_default_vector_bias", "gemm_default_zero_bias", "gemm_transposeA",
    "gemm_transposeB", "globalaveragepool", "globalaveragepool_precomputed", "globalmaxpool",
    "globalmaxpool_precomputed", "hardsigmoid", "hardsigmoid_default", "hardsigmoid_example", "hardswish",
    "hardswish_expanded", "identity", "instancenorm_epsilon", "instancenorm_example", "lrn", "lrn_default",
    "layer_normalization_2d_axis0_expanded", "layer_normalization_2d_axis1_expanded",
    "layer_normalization_2d_axis_negative_1_expanded", "layer_normalization_2d_axis_negative_2_expanded",
    "layer_normalization_3d_axis0_epsilon_expanded", "layer_normalization_3d_axis1_epsilon_expanded",
    "layer_normalization_3d_axis2_epsilon_expanded", "layer_normalization_3d_axis_negative_1_epsilon_expanded",
    "layer_normalization_3d_axis_negative_2_epsilon_expanded",
    "layer_normalization_3d_axis_negative_3_epsilon_expanded", "layer_normalization_4d_axis0_expanded",
    "layer_normalization_4d_axis1_expanded", "layer_normalization_4d_axis2_expanded",
    "layer_normalization_4d_axis3_expanded", "layer_normalization_4d_axis_negative_1_expanded",
    "layer_normalization_4d_axis_negative_2_expanded", "layer_normalization_4d_axis_negative_3_expanded",
    "layer_normalization_4d_axis_negative_4_expanded", "layer_normalization_default_axis_expanded", "leakyrelu",
    "leakyrelu_default", "leakyrelu_example", "log", "log_example", "logsoftmax_axis_0", "logsoftmax_axis_0_expanded",
    "logsoftmax_axis_1", "logsoftmax_axis_1_expanded", "logsoftmax_axis_2", "logsoftmax_axis_2_expanded",
    "logsoftmax_default_axis", "logsoftmax_default_axis_expanded", "logsoftmax_example_1",
    "logsoftmax_example_1_expanded", "logsoftmax_large_number", "logsoftmax_large_number_expanded",
    "logsoftmax_negative_axis", "logsoftmax_negative_axis_expanded", "matmul_2d", "max_example", "max_float16",
    "max_float32", "max_int32", "max_int64", "max_one_input", "max_two_inputs", "maxpool_1d_default",
    "maxpool_2d_ceil", "maxpool_2d_default", "maxpool_2d_dilations", "maxpool_2d_pads", "maxpool_2d_precomputed_pads",
    "maxpool_2d_precomputed_same_upper", "maxpool_2d_precomputed_strides", "maxpool_2d_same_lower",
    "maxpool_2d_same_upper", "maxpool_2d_strides", "maxpool_3d_default", "mean_example", "mean_one_input", "mean_two_inputs", "min_example",
    "min_float16", "min_float32", "min_int32", "min_int64", "min_one_input", "min_two_inputs", "mul", "mul_bcast",
    "mul_example", "mvn_expanded", "neg", "neg_example", "pow", "pow_bcast_array", "pow_bcast_scalar", "pow_example",
    "pow_types_float32_int32", "pow_types_float32_int64", "pow_types_float32_uint32", "pow_types_float32_uint64",
    "pow_types_int", "prelu_broadcast", "prelu_example", "reciprocal", "reciprocal_example",
    "reduce_l1_default_axes_keepdims_example", "reduce_l1_default_axes_keepdims_random",
    "reduce_l1_do_not_keepdims_example", "reduce_l1_do_not_keepdims_random", "reduce_l1_keep_dims_example",
    "reduce_l1_keep_dims_random", "reduce_l1_negative_axes_keep_dims_example",
    "reduce_l1_negative_axes_keep_dims_random", "reduce_l2_default_axes_keepdims_example",
    "reduce_l2_default_axes_keepdims_random", "reduce_l2_do_not_keepdims_example", "reduce_l2_do_not_keepdims_random",
    "reduce_l2_keep_dims_example", "reduce_l2_keep_dims_random", "reduce_l2_negative_axes_keep_dims_example",
    "reduce_l2_negative_axes_keep_dims_random", "reduce_log_sum", "reduce_log_sum_asc_axes", "reduce_log_sum_default",
    "reduce_log_sum_desc_axes", "reduce_log_sum_negative_axes", "reduce_max_default_axes_keepdim_example",
    "reduce_max_default_axes_keepdims_random", "reduce_max_do_not_keepdims_example",
    "reduce_max_do_not_keepdims_random", "reduce_max_keepdims_example", "reduce_max_keepdims_random",
    "reduce_max_negative_axes_keepdims_example", "reduce_max_negative_axes_keepdims_random",
    "reduce_mean_default_axes_keepdims_example", "reduce_mean_default_axes_keepdims_random",
    "reduce_mean_do_not_keepdims_example", "reduce_mean_do_not_keepdims_random", "reduce_mean_keepdims_example",
    "reduce_mean_keepdims_random", "reduce_mean_negative_axes_keepdims_example",
    "reduce_mean_negative_axes_keepdims_random", "reduce_min_default_axes_keepdims_example",
    "reduce_min_default_axes_keepdims_random", "reduce_min_do_not_keepdims_example",
    "reduce_min_do_not_keepdims_random", "reduce_min_keepdims_example", "reduce_min_keepdims_random",
    "reduce_min_negative_axes_keepdims_example", "reduce_min_negative_axes_keepdims_random",
    "reduce_sum_default_axes_keepdims_example", "reduce_sum_default_axes_keepdims_random",
    "reduce_sum_do_not_keepdims_example", "reduce_sum_do_not_keepdims_random",
    "reduce_sum_empty_axes_input_noop_example", "reduce_sum_empty_axes_input_noop_random",
    "reduce_sum_keepdims_example", "reduce_sum_keepdims_random", "reduce_sum_negative_axes_keepdims_example",
    "reduce_sum_negative_axes_keepdims_random", "reduce_sum_square_default_axes_keepdims_example",
    "reduce_sum_square_default_axes_keepdims_random", "reduce_sum_square_do_not_keepdims_example",
    "reduce_sum_square_do_not_keepdims_random", "reduce_sum_square_keepdims_example",
    "reduce_sum_square_keepdims_random", "reduce_sum_square_negative_axes_keepdims_example",
    "reduce_sum_square_negative_axes_keepdims_random", "reflect_pad", "relu", "reshape_extended_dims",
    "reshape_negative_dim", "reshape_negative_extended_dims", "reshape_one_dim", "reshape_reduced_dims",
    "reshape_reordered_all_dims", "reshape_reordered_last_dims", "reshape_zero_and_negative_dim", "reshape_zero_dim",
    "resize_downsample_scales_linear", "resize_downsample_scales_nearest",
    "resize_downsample_sizes_linear_pytorch_half_pixel", "resize_downsample_sizes_nearest",
    "resize_downsample_sizes_nearest_tf_half_pixel_for_nn", "resize_upsample_scales_linear",
    "resize_upsample_scales_linear_align_corners", "resize_upsample_scales_nearest", "resize_upsample_sizes_nearest",
    "resize_upsample_sizes_nearest_ceil_half_pixel", "resize_upsample_sizes_nearest_floor_align_corners",
    "resize_upsample_sizes_nearest_round_prefer_ceil_asymmetric", "round", "shape", "shape_clip_end",
    "shape_clip_start", "shape_end_1", "shape_end_negative_1", "shape_example", "shape_start_1",
    "shape_start_1_end_2", "shape_start_1_end_negative_1", "shape_start_negative_1", "sigmoid", "sigmoid_example",
    "sign", "sin", "sin_example", "size", "size_example", "slice", "slice_default_axes", "slice_default_steps",
    "slice_end_out_of_bounds", "slice_neg", "slice_neg_steps", "slice_negative_axes", "softmax_axis_0",
    "softmax_axis_0_expanded", "softmax_axis_1", "softmax_axis_1_expanded", "softmax_axis_2",
    "softmax_axis_2_expanded", "softmax_default_axis", "softmax_default_axis_expanded", "softmax_example",
    "softmax_example_expanded", "softmax_large_number", "softmax_large_number_expanded", "softmax_negative_axis",
    "softmax_negative_axis_expanded", "softplus", "softplus_example", "spacetodepth", "spacetodepth_example",
    "split_equal_parts_1d", "split_equal_parts_2d", "split_equal_parts_default_axis", "split_variable_parts_1d",
    "split_variable_parts_2d", "split_variable_parts_default_axis", "sqrt", "sqrt_example", "squeeze",
    "squeeze_negative_axes", "sub", "sub_bcast", "sub_example", "sum_example", "sum_one_input", "sum_two_inputs",
    "tanh", "tanh_example", "tile", "tile_precomputed", "transpose_all_permutations_0",
    "transpose_all_permutations_1", "transpose_all_permutations_2", "transpose_all_permutations_3",
    "transpose_all_permutations_4", "transpose_all_permutations_5", "transpose_default", "unsqueeze_axis_0",
    "unsqueeze_axis_1", "unsqueeze_axis_2", "unsqueeze_axis_3", "unsqueeze_negative_axes", "unsqueeze_three_axes",
    "unsqueeze_two_axes", "unsqueeze_unsorted_axes", "upsample_nearest",};

// and operators that the importer evaluates when all their inputs are constants.
constexpr const char* kFolded[] = {
    "abs", "add", "add_bcast", "add_uint8", "and2d", "and3d", "and4d", "and_bcast3v1d", "and_bcast3v2d",
    "and_bcast4v2d", "and_bcast4v3d", "and_bcast4v4d", "cast_DOUBLE_to_FLOAT", "cast_FLOAT16_to_DOUBLE",
    "cast_FLOAT16_to_FLOAT", "cast_FLOAT_to_DOUBLE", "castlike_DOUBLE_to_FLOAT_expanded",
    "castlike_FLOAT16_to_DOUBLE_expanded", "castlike_FLOAT_to_DOUBLE_expanded", "ceil", "ceil_example",
    "concat_1d_axis_0", "concat_1d_axis_negative_1", "concat_2d_axis_0", "concat_2d_axis_1",
    "concat_2d_axis_negative_1", "concat_2d_axis_negative_2", "concat_3d_axis_0", "concat_3d_axis_1",
    "concat_3d_axis_2", "concat_3d_axis_negative_1", "concat_3d_axis_negative_2", "concat_3d_axis_negative_3",
    "constant", "constantofshape_float_ones", "constantofshape_int_zeros", "div", "div_bcast", "div_example",
    "div_uint8", "equal", "equal_bcast", "exp", "exp_example", "expand_dim_changed", "expand_dim_unchanged",
    "flatten_axis0", "flatten_axis1", "flatten_axis2", "flatten_axis3", "flatten_default_axis",
    "flatten_negative_axis1", "flatten_negative_axis2", "flatten_negative_axis3", "flatten_negative_axis4", "floor",
    "floor_example", "gather_0", "gather_1", "gather_2d_indices", "gather_negative_indices", "greater",
    "greater_bcast", "greater_equal", "greater_equal_bcast", "greater_equal_bcast_expanded", "greater_equal_expanded",
    "if", "less", "less_bcast", "less_equal", "less_equal_bcast", "less_equal_bcast_expanded", "less_equal_expanded",
    "log", "log_example", "max_example", "max_float16", "max_float32", "max_float64", "max_int16", "max_int32",
    "max_int64", "max_int8", "max_one_input", "max_two_inputs", "max_uint16", "max_uint32", "max_uint64", "max_uint8",
    "mean_example", "mean_one_input", "mean_two_inputs", "min_example", "min_float16", "min_float32", "min_float64",
    "min_int16", "min_int32", "min_int64", "min_int8", "min_one_input", "min_two_inputs", "min_uint16", "min_uint32",
    "min_uint64", "min_uint8", "mod_broadcast", "mod_int64_fmod", "mod_mixed_sign_float16", "mod_mixed_sign_float32",
    "mod_mixed_sign_float64", "mod_mixed_sign_int16", "mod_mixed_sign_int32", "mod_mixed_sign_int64",
    "mod_mixed_sign_int8", "mod_uint16", "mod_uint32", "mod_uint64", "mod_uint8", "mul", "mul_bcast", "mul_example",
    "mul_uint8", "neg", "neg_example", "nonzero_example", "not_2d", "not_3d", "not_4d", "or2d", "or3d", "or4d",
    "or_bcast3v1d", "or_bcast3v2d", "or_bcast4v2d", "or_bcast4v3d", "or_bcast4v4d", "pow", "pow_bcast_array",
    "pow_bcast_scalar", "pow_example", "pow_types_float", "pow_types_float32_int32", "pow_types_float32_int64",
    "pow_types_float32_uint32", "pow_types_float32_uint64", "pow_types_int", "pow_types_int32_float32",
    "pow_types_int32_int32", "pow_types_int64_float32", "pow_types_int64_int64", "range_float_type_positive_delta",
    "range_int32_type_negative_delta", "reciprocal", "reciprocal_example", "reduce_max_default_axes_keepdim_example",
    "reduce_max_default_axes_keepdims_random", "reduce_max_do_not_keepdims_example",
    "reduce_max_do_not_keepdims_random", "reduce_max_keepdims_example", "reduce_max_keepdims_random",
    "reduce_max_negative_axes_keepdims_example", "reduce_max_negative_axes_keepdims_random",
    "reduce_mean_default_axes_keepdims_example", "reduce_mean_default_axes_keepdims_random",
    "reduce_mean_do_not_keepdims_example", "reduce_mean_do_not_keepdims_random", "reduce_mean_keepdims_example",
    "reduce_mean_keepdims_random", "reduce_mean_negative_axes_keepdims_example",
    "reduce_mean_negative_axes_keepdims_random", "reduce_min_default_axes_keepdims_example",
    "reduce_min_default_axes_keepdims_random", "reduce_min_do_not_keepdims_example",
    "reduce_min_do_not_keepdims_random", "reduce_min_keepdims_example", "reduce_min_keepdims_random",
    "reduce_min_negative_axes_keepdims_example", "reduce_min_negative_axes_keepdims_random",
    "reduce_prod_default_axes_keepdims_example", "reduce_prod_default_axes_keepdims_random",
    "reduce_prod_do_not_keepdims_example", "reduce_prod_do_not_keepdims_random", "reduce_prod_keepdims_example",
    "reduce_prod_keepdims_random", "reduce_prod_negative_axes_keepdims_example",
    "reduce_prod_negative_axes_keepdims_random", "reduce_sum_default_axes_keepdims_example",
    "reduce_sum_default_axes_keepdims_random", "reduce_sum_do_not_keepdims_example",
    "reduce_sum_do_not_keepdims_random", "reduce_sum_empty_axes_input_noop_example",
    "reduce_sum_empty_axes_input_noop_random", "reduce_sum_keepdims_example", "reduce_sum_keepdims_random",
    "reduce_sum_negative_axes_keepdims_example", "reduce_sum_negative_axes_keepdims_random", "reshape_extended_dims",
    "reshape_negative_dim", "reshape_negative_extended_dims", "reshape_one_dim", "reshape_reduced_dims",
    "reshape_reordered_all_dims", "reshape_reordered_last_dims", "reshape_zero_and_negative_dim", "reshape_zero_dim",
    "round", "sign", "slice", "slice_default_axes", "slice_default_steps", "slice_end_out_of_bounds", "slice_neg",
    "slice_neg_steps", "slice_negative_axes", "split_equal_parts_1d", "split_equal_parts_2d",
    "split_equal_parts_default_axis", "split_variable_parts_1d", "split_variable_parts_2d",
    "split_variable_parts_default_axis", "sqrt", "sqrt_example", "squeeze", "squeeze_negative_axes", "sub",
    "sub_bcast", "sub_example", "sub_uint8", "sum_example", "sum_one_input", "sum_two_inputs", "tile",
    "tile_precomputed", "transpose_all_permutations_0", "transpose_all_permutations_1",
    "transpose_all_permutations_2", "transpose_all_permutations_3", "transpose_all_permutations_4",
    "transpose_all_permutations_5", "transpose_default", "unsqueeze_axis_0", "unsqueeze_axis_1", "unsqueeze_axis_2",
    "unsqueeze_axis_3", "unsqueeze_negative_axes", "unsqueeze_three_axes", "unsqueeze_two_axes",
    "unsqueeze_unsorted_axes", "where_example", "where_long_example", "xor2d", "xor3d", "xor4d", "xor_bcast3v1d",
    "xor_bcast3v2d", "xor_bcast4v2d", "xor_bcast4v3d", "xor_bcast4v4d",};

// clang-format on

// Operators on 8-bit numbers, run as imported and after graph::optimize() has made int8 operators of them.
constexpr const char* kQuantized[] = {"dequantizelinear", "dequantizelinear_axis", "qlinearconv",
                                      "qlinearmatmul_2D", "quantizelinear",        "quantizelinear_axis"};

fs::path data_folder() {
  const char* folder = std::getenv("DOTORI_ONNX_TESTDATA");
  return fs::path(folder != nullptr ? folder : "/usr/share/libonnx-testdata/data") / "node";
}

std::string read_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

struct Case {
  dotori_onnx::ModelProto model;
  std::vector<dotori_onnx::TensorProto> inputs, outputs;
};

Case read_case(const fs::path& folder) {
  Case c;
  c.model.ParseFromString(read_bytes(folder / "model.onnx"));
  const auto read = [&](const std::string& stem, std::vector<dotori_onnx::TensorProto>* tensors) {
    for (int i = 0;; ++i) {
      const fs::path path = folder / "test_data_set_0" / (stem + std::to_string(i) + ".pb");
      if (!fs::exists(path)) return;
      tensors->emplace_back();
      tensors->back().ParseFromString(read_bytes(path));
    }
  };
  read("input_", &c.inputs);
  read("output_", &c.outputs);
  return c;
}

// Weights, axes and the like are inputs in these tests, constants in real models: all inputs from `first` on become
// initializers. Tests of opset 1 to 6 test operators that opset 7 left as they were.
dotori_onnx::ModelProto with_constants(const Case& c, int first) {
  dotori_onnx::ModelProto model = c.model;
  for (auto& opset : *model.mutable_opset_import()) {
    if (opset.domain().empty() && opset.version() < 7) opset.set_version(7);
  }
  auto* graph = model.mutable_graph();
  for (int i = graph->input_size() - 1; i >= first; --i) {
    if (i >= static_cast<int>(c.inputs.size())) continue;
    *graph->add_initializer() = c.inputs[static_cast<std::size_t>(i)];
    graph->mutable_initializer()->rbegin()->set_name(graph->input(i).name());
    graph->mutable_input()->DeleteSubrange(i, 1);
  }
  return model;
}

HostTensor stored(const HostTensor& source, const Shape& order) {
  if (order.empty()) return source;
  return source.permuted(std::vector<int>(order.begin(), order.end()));
}

double element(const TensorView& view, std::int64_t i) {
  switch (view.type) {
    case DataType::kFloat32: return static_cast<double>(static_cast<const float*>(view.data)[i]);
    case DataType::kInt8: return static_cast<const std::int8_t*>(view.data)[i];
    case DataType::kInt32: return static_cast<const std::int32_t*>(view.data)[i];
    case DataType::kInt64: return static_cast<double>(static_cast<const std::int64_t*>(view.data)[i]);
    default: return static_cast<const std::uint8_t*>(view.data)[i];
  }
}

// "" when the output is as expected.
std::string compare(const TensorView& found, const TensorInfo& info, const HostTensor& source) {
  const HostTensor expected = stored(source, info.source_order);
  if (Shape(Span<const std::int64_t>(expected.dims)) != found.shape) {
    return "output " + info.name + " has shape " + found.shape.to_string() + ", expected " +
           convert::onnx::dims_text(expected.dims);
  }
  for (std::int64_t i = 0; i < expected.count(); ++i) {
    const double e = expected.real(i), f = element(found, i);
    if (e == f || (std::isnan(e) && std::isnan(f))) continue;
    if (!(std::fabs(e - f) <= kAbsolute + kRelative * std::fabs(e))) {
      return "output " + info.name + ", element " + std::to_string(i) + " is " + std::to_string(f) + ", expected " +
             std::to_string(e);
    }
  }
  return "";
}

std::string run_on(const Model& model, BackendKind backend, const std::vector<HostTensor>& inputs,
                   const std::vector<HostTensor>& outputs) {
  SessionOptions options;
  options.backend = backend;
  Result<Session> session = Session::create(model, options);
  if (!session.ok()) return session.status().message();
  if (session->output_count() != static_cast<int>(outputs.size())) return "wrong number of outputs";
  for (int i = 0; i < session->input_count(); ++i) {
    const TensorView view = session->input(i);
    const auto k = static_cast<std::size_t>(i);
    const HostTensor given = stored(inputs[k], model.inputs()[k].source_order);
    if (given.bytes->size() != view.size_bytes) return "input " + std::to_string(i) + " has another size";
    std::memcpy(view.data, given.bytes->data(), view.size_bytes);
  }
  const Status status = session->run();
  if (!status.ok()) return status.message();
  for (int i = 0; i < session->output_count(); ++i) {
    const auto k = static_cast<std::size_t>(i);
    const std::string difference = compare(session->output(i), model.outputs()[k], outputs[k]);
    if (!difference.empty()) return difference;
  }
  return "";
}

// A model needs an input.
void add_unused_input(dotori_onnx::ModelProto* model) {
  auto* input = model->mutable_graph()->add_input();
  input->set_name("unused input");
  input->mutable_type()->mutable_tensor_type()->set_elem_type(dotori_onnx::TensorProto::FLOAT);
  input->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(1);
}

// All inputs but the first.
Result<graph::Graph> import_quantized(const Case& c, const std::string& name, bool optimized) {
  Result<graph::Graph> graph = convert::import_onnx_bytes(with_constants(c, 1).SerializeAsString(), name, {});
  if (graph.ok() && optimized) {
    const Status status = graph::optimize(*graph, backends::evaluate_node);
    if (!status.ok()) return status;
  }
  return graph;
}

Result<graph::Graph> import_case(const Case& c, const std::string& name, bool folded) {
  const auto import = [&](const dotori_onnx::ModelProto& model) {
    return convert::import_onnx_bytes(model.SerializeAsString(), name, {});
  };
  dotori_onnx::ModelProto model = with_constants(c, folded ? 0 : c.model.graph().input_size());
  if (folded) add_unused_input(&model);
  Result<graph::Graph> graph = import(model);
  if (graph.ok() || folded) return graph;
  Result<graph::Graph> with_weights = import(with_constants(c, 1));
  return with_weights.ok() ? with_weights : graph;
}

std::string run_imported(const Case& c, Result<graph::Graph> graph, bool folded) {
  if (!graph.ok()) return graph.status().message();
  std::vector<HostTensor> inputs, outputs;
  if (folded) {
    inputs.push_back(HostTensor::make(Element::kFloat32, {1}));
  } else {
    for (const auto& proto : c.inputs) inputs.push_back(convert::onnx::host_tensor(proto));
  }
  for (const auto& proto : c.outputs) outputs.push_back(convert::onnx::host_tensor(proto));
  const Result<Model> model = Model::from_graph(std::move(*graph));
  if (!model.ok()) return model.status().message();
  const std::string reference = run_on(*model, BackendKind::kReference, inputs, outputs);
  if (!reference.empty()) return "reference backend: " + reference;
  const std::string cpu = run_on(*model, BackendKind::kCpu, inputs, outputs);
  return cpu.empty() ? "" : "cpu backend: " + cpu;
}

// "" when the test in `folder` passes on both backends.
std::string run_case(const fs::path& folder, bool folded) {
  const Case c = read_case(folder);
  return run_imported(c, import_case(c, folder.filename(), folded), folded);
}

std::string run_quantized_case(const fs::path& folder) {
  const Case c = read_case(folder);
  const std::string real = run_imported(c, import_quantized(c, folder.filename(), false), false);
  if (!real.empty()) return "as imported: " + real;
  const std::string int8 = run_imported(c, import_quantized(c, folder.filename(), true), false);
  return int8.empty() ? "" : "optimised: " + int8;
}

TEST(OnnxNodes, ListedTestsPass) {
  const fs::path folder = data_folder();
  if (!fs::is_directory(folder)) GTEST_SKIP() << "skipped: no ONNX test data (Debian package libonnx-testdata)";
  int all = 0;
  std::map<std::string, bool> results;  // a name may be in both lists
  for (const auto& entry : fs::directory_iterator(folder)) all += entry.is_directory() ? 1 : 0;
  const auto run = [&](const char* name, bool folded) {
    const fs::path test = folder / (std::string("test_") + name);
    const std::string error = fs::exists(test) ? run_case(test, folded) : "no such test";
    EXPECT_EQ(error, "") << name;
    const auto result = results.emplace(name, true).first;
    result->second = result->second && error.empty();
  };
  for (const char* name : kComputed) run(name, false);
  for (const char* name : kFolded) run(name, true);
  for (const char* name : kQuantized) {
    const fs::path test = folder / (std::string("test_") + name);
    const std::string error = fs::exists(test) ? run_quantized_case(test) : "no such test";
    EXPECT_EQ(error, "") << name;
    results[name] = error.empty();
  }
  int passed = 0;
  for (const auto& [name, ok] : results) passed += ok ? 1 : 0;
  const int failed = static_cast<int>(results.size()) - passed;
  std::printf("ONNX node tests: %d passed, %d failed, %d out of scope\n", passed, failed, all - passed - failed);
}

}  // namespace
}  // namespace dotori
