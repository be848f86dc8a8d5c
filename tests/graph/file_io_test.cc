// SPDX-License-Identifier: Apache-2.0
// read_file and write_file_atomically against the file system.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "graph/reader.h"
#include "graph/writer.h"

namespace dotori::graph {
namespace {

using Bytes = std::vector<unsigned char>;

class FileIo : public ::testing::Test {
 protected:
  FileIo() {
    char pattern[] = "/tmp/dotori_file_io_XXXXXX";
    folder_ = mkdtemp(pattern);
    chmod(folder_.c_str(), 0755);
  }
  ~FileIo() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) found.push_back(entry.path().filename());
    return found;
  }
  void expect_unreadable(const std::string& file, StatusCode code, const std::string& text) const {
    const auto block = read_file(file);
    ASSERT_FALSE(block.ok());
    EXPECT_EQ(block.status().code(), code) << block.status().message();
    EXPECT_EQ(block.status().message().rfind(file + ": ", 0), 0u) << block.status().message();
    EXPECT_NE(block.status().message().find(text), std::string::npos) << block.status().message();
  }

  std::string folder_;
};

TEST_F(FileIo, WhatIsWrittenIsRead) {
  for (std::size_t size : {1, 63, 64, 65, 100000}) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(i * 31);
    const Status status = write_file_atomically(path("a.bin"), bytes);
    ASSERT_TRUE(status.ok()) << status.message();
    const auto block = read_file(path("a.bin"));
    ASSERT_TRUE(block.ok()) << block.status().message();
    ASSERT_EQ(block->size_bytes, size);
    EXPECT_EQ(std::memcmp(block->data, bytes.data(), size), 0);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block->data) % 64, 0u);
    EXPECT_EQ(names(), std::vector<std::string>{"a.bin"}) << "no temporary file stays";
  }
}

TEST_F(FileIo, UnreadablePaths) {
  expect_unreadable(path("missing"), StatusCode::kNotFound, "No such file");
  expect_unreadable(folder_, StatusCode::kIoError, "it is a folder");
  expect_unreadable("/dev/zero", StatusCode::kIoError, "not a regular file");
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  expect_unreadable(path("pipe"), StatusCode::kIoError, "not a regular file");
  std::ofstream(path("empty")).close();
  expect_unreadable(path("empty"), StatusCode::kCorruptModel, "the file is empty");
  expect_unreadable(path("empty") + "/below", StatusCode::kNotFound, "Not a directory");
}

TEST_F(FileIo, WithoutPermission) {
  ASSERT_TRUE(write_file_atomically(path("secret"), Bytes(10)).ok());
  ASSERT_EQ(chmod(path("secret").c_str(), 0), 0);
  const bool root = geteuid() == 0;
  // root may read and write everything
  ASSERT_EQ(root ? seteuid(65534) : chmod(folder_.c_str(), 0555), 0);
  expect_unreadable(path("secret"), StatusCode::kIoError, "Permission denied");
  const Status status = write_file_atomically(path("new"), Bytes(10));
  ASSERT_EQ(root ? seteuid(0) : chmod(folder_.c_str(), 0755), 0);
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_NE(status.message().find("Permission denied"), std::string::npos) << status.message();
  EXPECT_EQ(names(), std::vector<std::string>{"secret"});
}

TEST_F(FileIo, SizeLimit) {
  ASSERT_TRUE(write_file_atomically(path("a"), Bytes(100)).ok());
  EXPECT_TRUE(read_file(path("a"), 100).ok());
  const auto block = read_file(path("a"), 99);
  ASSERT_FALSE(block.ok());
  EXPECT_EQ(block.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(block.status().message(), path("a") + ": the file has 100 bytes, at most 99 are read");
}

TEST_F(FileIo, AFailedWriteLeavesTheOldFile) {
  const Bytes old_bytes = {1, 2, 3};
  ASSERT_TRUE(write_file_atomically(path("a"), old_bytes).ok());
  // A full disk, as the process sees it: write() comes back short, then fails.
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit limited = before;
  limited.rlim_cur = 1000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limited), 0);
  const Status status = write_file_atomically(path("a"), Bytes(5000));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_DFL);
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_NE(status.message().find("File too large"), std::string::npos) << status.message();
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
  const auto block = read_file(path("a"));
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->size_bytes, 3u);
}

TEST_F(FileIo, OnlyRegularFilesAreReplaced) {
  EXPECT_EQ(write_file_atomically(folder_, Bytes(10)).code(), StatusCode::kIoError);
  EXPECT_EQ(write_file_atomically("/dev/null", Bytes(10)).code(), StatusCode::kIoError);
  EXPECT_EQ(write_file_atomically(path("none/a"), Bytes(10)).code(), StatusCode::kIoError);
  EXPECT_TRUE(names().empty());
  EXPECT_FALSE(std::filesystem::exists(folder_ + ".tmp." + std::to_string(getpid())));
}

TEST_F(FileIo, ASymbolicLinkIsReplacedNotFollowed) {
  ASSERT_TRUE(write_file_atomically(path("target"), Bytes(3)).ok());
  ASSERT_EQ(symlink("target", path("link").c_str()), 0);
  ASSERT_TRUE(write_file_atomically(path("link"), Bytes(7)).ok());
  EXPECT_EQ(read_file(path("target"))->size_bytes, 3u);
  EXPECT_EQ(read_file(path("link"))->size_bytes, 7u);
}

TEST_F(FileIo, AStrangersTemporaryFileIsNotTouched) {
  const std::string temporary = path("a") + ".tmp." + std::to_string(getpid());
  std::ofstream(temporary) << "precious";
  const Status status = write_file_atomically(path("a"), Bytes(3));
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_NE(status.message().find("cannot create " + temporary), std::string::npos) << status.message();
  EXPECT_EQ(read_file(temporary)->size_bytes, 8u);
}

TEST_F(FileIo, ShortNameInTheCurrentFolder) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  const Status status = write_file_atomically("plain", Bytes(3));
  std::filesystem::current_path(before);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(names(), std::vector<std::string>{"plain"});
}

}  // namespace
}  // namespace dotori::graph
