// SPDX-License-Identifier: Apache-2.0
#include "cli/reference_tensors.h"

#include <algorithm>
#include <cstring>

#include "cli/cli.h"

namespace dotori::cli {
namespace {

constexpr char kInputPrefix[] = "input:", kLayoutMark[] = "layout:nchw";

// The elements with axis k being axis order[k] of the array.
std::vector<float> permuted(const NpyArray& array, const Shape& order) {
  const int rank = order.rank();
  std::vector<std::int64_t> steps(static_cast<std::size_t>(rank), 1);
  for (int k = rank - 1; k-- > 0;)
    steps[static_cast<std::size_t>(k)] =
        steps[static_cast<std::size_t>(k) + 1] * array.shape[static_cast<std::size_t>(k) + 1];
  const auto* from = reinterpret_cast<const float*>(array.bytes.data());
  std::vector<float> to(array.bytes.size() / sizeof(float));
  for (std::size_t i = 0; i < to.size(); ++i) {
    auto rest = static_cast<std::int64_t>(i);
    std::int64_t at = 0;
    for (int k = rank; k-- > 0;) {
      const auto axis = static_cast<std::size_t>(order[k]);
      at += rest % array.shape[axis] * steps[axis];
      rest /= array.shape[axis];
    }
    to[i] = from[at];
  }
  return to;
}

Shape in_order(const Shape& shape, const Shape& order) {
  Shape to;
  for (std::int64_t axis : order) to.push_back(shape[static_cast<int>(axis)]);
  return to;
}

Shape identity(int rank) {
  Shape order;
  for (int k = 0; k < rank; ++k) order.push_back(k);
  return order;
}

Shape channels_last(int rank) {
  Shape order = {0};
  for (int k = 2; k < rank; ++k) order.push_back(k);
  order.push_back(1);
  return order;
}

// Axes of one element do not tell in which sequence the others lie.
Shape without_ones(const Shape& shape) {
  Shape rest;
  for (std::int64_t d : shape)
    if (d != 1) rest.push_back(d);
  return rest;
}

bool is_channels_first(const NamedArrays& arrays) {
  return std::any_of(arrays.begin(), arrays.end(), [](const auto& entry) { return entry.first == kLayoutMark; });
}

// Whose axes stand where: `order` of TensorInfo::source_order. Without one, rank 4 and 5 have the channels behind the
// batch in a file that says so, unless the model tells the order of others of its layers.
enum class Layout { kStored, kChannelsFirst, kSource };

// The elements in the order in which a tensor of `shape` is stored here; empty when they do not fit.
std::vector<float> elements_for(const NpyArray& array, const Shape& shape, const Shape& source_order, Layout layout) {
  if (array.type != DataType::kFloat32 || array.shape.size() > kMaxRank) return {};
  const Shape own = shape_of(array);
  std::vector<Shape> orders;
  if (layout != Layout::kStored && source_order.rank() == own.rank() && own.rank() > 0) orders = {source_order};
  else if (layout == Layout::kChannelsFirst && own.rank() >= 4)
    orders = {channels_last(own.rank()), identity(own.rank())};
  else orders = {identity(own.rank())};
  for (const Shape& order : orders)
    if (without_ones(in_order(own, order)) == without_ones(shape)) return permuted(array, order);
  return {};
}

}  // namespace

Shape shape_of(const NpyArray& array) {
  return Shape(Span<const std::int64_t>(array.shape.data(), std::min<std::size_t>(array.shape.size(), kMaxRank)));
}

Status fill_from_arrays(Session& session, const NamedArrays& arrays, const std::string& file) {
  for (int i = 0; i < session.input_count(); ++i) {
    const std::string name = session.model().inputs()[static_cast<std::size_t>(i)].name;
    const auto found = std::find_if(arrays.begin(), arrays.end(), [&](const auto& entry) {
      return session.input_count() == 1 ? entry.first.rfind(kInputPrefix, 0) == 0 : entry.first == kInputPrefix + name;
    });
    if (found == arrays.end())
      return invalid_argument(file + ": holds no '" + kInputPrefix + name + "', the input that its tensors come from");
    const TensorView view = session.input(i);
    if (view.f32() == nullptr) {
      if (found->second.type != view.type || found->second.bytes.size() != view.size_bytes)
        return invalid_argument(file + ": '" + found->first + "' is " + data_type_name(found->second.type) + " " +
                                shape_of(found->second).to_string() + ", expected " + data_type_name(view.type) + " " +
                                view.shape.to_string());
      std::memcpy(view.data, found->second.bytes.data(), view.size_bytes);
      continue;
    }
    const std::vector<float> elements =
        elements_for(found->second, view.shape, session.model().inputs()[static_cast<std::size_t>(i)].source_order,
                     is_channels_first(arrays) ? Layout::kChannelsFirst : Layout::kStored);
    if (elements.empty())
      return invalid_argument(file + ": '" + found->first + "' is " + shape_of(found->second).to_string() +
                              ", expected float32 elements for " + view.shape.to_string());
    std::copy(elements.begin(), elements.end(), view.f32());
  }
  return Status();
}

// The arrays as the layers of `a` with the same names.
std::vector<LayerTensor> tensors_from(const NamedArrays& arrays, const std::vector<LayerTensor>& a) {
  Layout layout = is_channels_first(arrays) ? Layout::kChannelsFirst : Layout::kStored;
  const bool told = std::any_of(a.begin(), a.end(), [](const LayerTensor& t) { return !t.source_order.empty(); });
  if (layout == Layout::kChannelsFirst && told) layout = Layout::kSource;
  std::vector<LayerTensor> tensors;
  for (const auto& [name, array] : arrays) {
    const auto own = std::find_if(a.begin(), a.end(), [&, n = &name](const LayerTensor& t) { return t.name == *n; });
    if (own == a.end() || array.type != DataType::kFloat32) continue;
    LayerTensor tensor = *own;
    tensor.is_8_bit = false;
    tensor.elements = elements_for(array, own->shape, own->source_order, layout);
    // The same number of elements in another sequence of axes, such as behind a transpose that became a view: nothing
    // to compare. Another number is a difference.
    if (tensor.elements.empty() && shape_of(array).elements() == own->shape.elements()) continue;
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

NamedArrays input_arrays(Session& session) {
  NamedArrays arrays;
  for (int i = 0; i < session.input_count(); ++i) {
    const TensorView view = session.input(i);
    NpyArray array;
    array.type = view.type;
    array.shape.assign(view.shape.begin(), view.shape.end());
    array.bytes.assign(static_cast<const char*>(view.data), view.size_bytes);
    arrays.emplace_back(kInputPrefix + session.model().inputs()[static_cast<std::size_t>(i)].name, std::move(array));
  }
  return arrays;
}

Status save_layers(const std::string& path, NamedArrays arrays, const std::vector<LayerTensor>& layers) {
  for (const LayerTensor& layer : layers) {
    NpyArray array;
    array.shape.assign(layer.shape.begin(), layer.shape.end());
    array.bytes.assign(reinterpret_cast<const char*>(layer.elements.data()), layer.elements.size() * sizeof(float));
    arrays.emplace_back(layer.name, std::move(array));
  }
  return save_npz(path, arrays);
}

}  // namespace dotori::cli
