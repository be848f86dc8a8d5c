// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph/writer.h"
#include "vision/codecs.h"

namespace dotori::vision {
namespace {

bool starts_with(Span<const unsigned char> bytes, const char* magic, std::size_t magic_bytes) {
  return bytes.size() >= magic_bytes && std::memcmp(bytes.data(), magic, magic_bytes) == 0;
}

Result<Image> decode_by_magic(Span<const unsigned char> bytes, const DecodeOptions& options, PhotoSize* full_size) {
  if (bytes.empty()) return invalid_argument("an empty file is no image");
  if (starts_with(bytes, "\xFF\xD8\xFF", 3)) return decode_jpeg(bytes, options, full_size);
  if (starts_with(bytes, "\x89PNG\r\n\x1A\n", 8)) return decode_png(bytes, options);
  if (starts_with(bytes, "BM", 2)) return decode_bmp(bytes, options);
  return unsupported("not a JPEG, PNG or BMP image");
}

// Asked before a container of that size is made: without exceptions a container cannot say that there was no memory.
bool memory_for(std::uint64_t bytes) {
  void* memory = std::malloc(static_cast<std::size_t>(bytes));
  std::free(memory);
  return memory != nullptr;
}

class File {
 public:
  explicit File(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

Result<std::vector<unsigned char>> read_file(const std::string& path, std::size_t max_bytes) {
  const File file(path);
  if (file.descriptor() < 0) {
    const int error = errno;
    return error == ENOENT || error == ENOTDIR ? not_found(std::strerror(error)) : io_error(std::strerror(error));
  }
  struct stat info = {};
  if (::fstat(file.descriptor(), &info) != 0) return io_error(std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return io_error("not a regular file");
  if (static_cast<std::uint64_t>(info.st_size) > max_bytes)
    return out_of_memory("a file of " + std::to_string(info.st_size) + " bytes is above the limit of " +
                         std::to_string(max_bytes));
  if (info.st_size != 0 && !memory_for(static_cast<std::uint64_t>(info.st_size)))
    return out_of_memory("no memory for a file of " + std::to_string(info.st_size) + " bytes");
  std::vector<unsigned char> bytes(static_cast<std::size_t>(info.st_size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::read(file.descriptor(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error(std::strerror(errno));
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace

Image make_image(int width, int height, Color color) {
  Image image;
  image.width = width < 1 ? 1 : width;
  image.height = height < 1 ? 1 : height;
  image.pixels.resize(std::size_t{3} * static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height));
  if (color.r == color.g && color.g == color.b) {
    std::memset(image.pixels.data(), color.r, image.pixels.size());
    return image;
  }
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    image.pixels[i] = color.r;
    image.pixels[i + 1] = color.g;
    image.pixels[i + 2] = color.b;
  }
  return image;
}

Status check_size(std::int64_t width, std::int64_t height, const DecodeOptions& options) {
  // Above this, positions inside a row or file no longer fit the codecs' ints.
  constexpr std::int64_t kMaxSide = 65535;
  if (width < 1 || height < 1)
    return invalid_argument("an image of " + std::to_string(width) + "x" + std::to_string(height) + " pixels");
  if (width > kMaxSide || height > kMaxSide || static_cast<std::uint64_t>(width * height) > options.max_pixels)
    return out_of_memory("an image of " + std::to_string(width) + "x" + std::to_string(height) +
                         " pixels is above the limit of " + std::to_string(options.max_pixels));
  // RGB as decoded and again turned upright, and four channels in between.
  constexpr std::uint64_t kBytesPerPixel = 3 + 3 + 4;
  if (!memory_for(kBytesPerPixel * static_cast<std::uint64_t>(width * height)))
    return out_of_memory("no memory for an image of " + std::to_string(width) + "x" + std::to_string(height) +
                         " pixels");
  return {};
}

Result<Image> decode_image(Span<const unsigned char> bytes, const DecodeOptions& options, PhotoSize* full_size) {
  PhotoSize size;
  Result<Image> image = decode_by_magic(bytes, options, &size);
  if (image.ok() && size.width == 0) size = {image->width, image->height};
  if (full_size != nullptr) *full_size = size;
  return image;
}

Result<Image> load_image(const std::string& path, const DecodeOptions& options) {
  Result<std::vector<unsigned char>> bytes = read_file(path, options.max_file_bytes);
  if (!bytes.ok()) return bytes.status().with_context(path);
  Result<Image> image = decode_image(*bytes, options);
  if (!image.ok()) return image.status().with_context(path);
  return image;
}

Status save_png(const Image& image, const std::string& path) {
  if (!image.valid()) return invalid_argument("the image's size and pixels do not agree").with_context(path);
  // Twice: what the encoder makes, and the file's bytes. PNG of noise is slightly larger than its pixels.
  if (!memory_for(std::uint64_t{2} * image.pixels.size() + image.pixels.size() / 8))
    return out_of_memory("no memory to write the image").with_context(path);
  Result<std::vector<unsigned char>> file = encode_png(image);
  if (!file.ok()) return file.status().with_context(path);
  return graph::write_file_atomically(path, *file);
}

}  // namespace dotori::vision
