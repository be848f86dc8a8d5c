// SPDX-License-Identifier: Apache-2.0
#include "cli/npy.h"

#include <cstring>

#include "cli/cli.h"
#include "graph/writer.h"

namespace dotori::cli {
namespace {

struct Descriptor {
  DataType type;
  const char* text;
};
constexpr Descriptor kDescriptors[] = {{DataType::kFloat32, "<f4"}, {DataType::kInt8, "|i1"},
                                       {DataType::kUint8, "|u1"},   {DataType::kInt32, "<i4"},
                                       {DataType::kInt64, "<i8"},   {DataType::kBool, "|b1"}};
constexpr char kMagic[] = "\x93NUMPY\x01";
constexpr std::size_t kPrefix = 10;  // magic, version, two bytes of header length

// The text between the quotes behind 'key':.
std::string quoted_value(const std::string& header, const std::string& key) {
  std::size_t at = header.find("'" + key + "'");
  if (at == std::string::npos) return "";
  at = header.find('\'', header.find(':', at));
  if (at == std::string::npos) return "";
  const std::size_t end = header.find('\'', at + 1);
  return end == std::string::npos ? "" : header.substr(at + 1, end - at - 1);
}

Result<std::vector<std::int64_t>> parse_shape(const std::string& header) {
  const std::size_t open = header.find('(', header.find("'shape'"));
  const std::size_t close = header.find(')', open);
  if (open == std::string::npos || close == std::string::npos) return invalid_argument("the header has no shape");
  std::vector<std::int64_t> shape;
  for (const std::string& part : split(header.substr(open + 1, close - open - 1), ',')) {
    if (part.empty()) continue;
    if (part.size() > 12 || part.find_first_not_of("0123456789") != std::string::npos)
      return invalid_argument("dimension '" + part + "' is not a number");
    shape.push_back(std::stoll(part));
  }
  return shape;
}

}  // namespace

Result<NpyArray> load_npy(const std::string& path) {
  DOTORI_ASSIGN_OR_RETURN(const std::string file, read_text(path, std::size_t{1} << 30));
  return parse_npy(file, path);
}

Result<NpyArray> parse_npy(const std::string& file, const std::string& path) {
  if (file.size() < kPrefix || std::memcmp(file.data(), kMagic, sizeof(kMagic) - 1) != 0)
    return invalid_argument(path + ": not a .npy file of format version 1");
  const std::size_t header_size = static_cast<unsigned char>(file[8]) + 256u * static_cast<unsigned char>(file[9]);
  if (file.size() < kPrefix + header_size) return invalid_argument(path + ": the header is cut off");
  const std::string header = file.substr(kPrefix, header_size);
  NpyArray array;
  const std::string descriptor = quoted_value(header, "descr");
  bool known = false;
  for (const Descriptor& d : kDescriptors)
    if (descriptor == d.text) {
      array.type = d.type;
      known = true;
    }
  if (!known) return unsupported(path + ": elements are '" + descriptor + "', expected <f4, |i1, |u1, <i4, <i8 or |b1");
  if (header.find("True") != std::string::npos) return unsupported(path + ": Fortran order, expected C order");
  auto shape = parse_shape(header);
  if (!shape.ok()) return shape.status().with_context(path);
  array.shape = *shape;
  array.bytes = file.substr(kPrefix + header_size);
  double expected = static_cast<double>(data_type_bytes(array.type));
  for (std::int64_t d : array.shape) expected *= static_cast<double>(d);
  if (static_cast<double>(array.bytes.size()) != expected)
    return invalid_argument(path + ": holds " + std::to_string(array.bytes.size()) +
                            " bytes of elements, which does not fit its shape " +
                            header.substr(header.find('('), header.find(')') + 1 - header.find('(')));
  return array;
}

std::string npy_bytes(const NpyArray& array) {
  const char* descriptor = "";
  for (const Descriptor& d : kDescriptors)
    if (array.type == d.type) descriptor = d.text;
  std::string header = std::string("{'descr': '") + descriptor + "', 'fortran_order': False, 'shape': (";
  for (std::int64_t d : array.shape) header += std::to_string(d) + ",";
  header += "), }";
  while ((kPrefix + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string file(kMagic, sizeof(kMagic) - 1);
  file += '\0';
  file += static_cast<char>(header.size() & 255);
  file += static_cast<char>(header.size() >> 8);
  return file + header + array.bytes;
}

Status save_npy(const std::string& path, const TensorView& tensor) {
  NpyArray array;
  array.type = tensor.type;
  array.shape.assign(tensor.shape.begin(), tensor.shape.end());
  array.bytes.assign(static_cast<const char*>(tensor.data), tensor.size_bytes);
  const std::string file = npy_bytes(array);
  return graph::write_file_atomically(path, {reinterpret_cast<const unsigned char*>(file.data()), file.size()});
}

}  // namespace dotori::cli
