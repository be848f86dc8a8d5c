// SPDX-License-Identifier: Apache-2.0
// The .dtr format: round trips, damage of every kind, and the file of version 1.0.
#include <algorithm>

#include "format_graphs.h"
#include "graph/verify.h"

namespace dotori::graph {
namespace {

std::uint64_t hash_of(const std::string& text) {
  return xxh64({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
}

// Values from the reference program xxhsum 0.8.
TEST(ContentHash, PublishedValues) {
  EXPECT_EQ(hash_of(""), 0xEF46DB3751D8E999u);
  EXPECT_EQ(hash_of("a"), 0xD24EC4F1A98C6E5Bu);
  EXPECT_EQ(hash_of("abc"), 0x44BC2CF5AD770999u);
  EXPECT_EQ(hash_of("Nobody inspects the spammish repetition"), 0xFBCEA83C8A378BF1u);
  EXPECT_EQ(hash_of(""), xxh64({}));
}

TEST(ContentHash, IsTheHashOfTheFileWithAZeroHashField) {
  for (std::size_t size : {64, 65, 71, 96, 127, 128, 1000}) {
    Bytes file(size);
    for (std::size_t i = 0; i < size; ++i) file[i] = static_cast<unsigned char>(i * 7 + 3);
    const std::uint64_t found = content_hash(file);
    std::fill(file.begin() + 56, file.begin() + 64, static_cast<unsigned char>(0));
    EXPECT_EQ(found, xxh64(file)) << size;
  }
}

TEST(TextFault, Utf8) {
  const auto fault = [](const std::string& text) -> std::string {
    const char* reason = text_fault(text.data(), text.size());
    return reason == nullptr ? "" : reason;
  };
  for (const char* good : {"", "conv/1:0", "도토리", "\xF0\x9F\x8C\xB0", "\xC2\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xF4\x8F\xBF\xBF", "\n\x1B\x7F"}) {
    EXPECT_EQ(fault(good), "") << good;
  }
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
                          "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xFF", "ok\xFE"}) {
    EXPECT_EQ(fault(bad), "is not valid UTF-8");
  }
  EXPECT_EQ(fault(std::string("a\0b", 3)), "contains a NUL byte");
  EXPECT_EQ(fault(std::string(4096, 'a')), "");
  EXPECT_EQ(fault(std::string(4097, 'a')), "is longer than 4096 bytes");
}

TEST(Format, RoundTripKeepsEverything) {
  Graph known = rich_graph();
  known.quantization = sample_report();
  known.tunings = sample_tunings(known);
  for (const Graph& graph : {tiny_graph(), rich_graph(), known}) {
    ASSERT_TRUE(verify(graph).ok()) << verify(graph).message();
    const auto back = ExactFile(written(graph)).read();
    ASSERT_TRUE(back.ok()) << back.status().message();
    expect_same_graph(graph, *back);
    EXPECT_EQ(written(graph), written(*back));
  }
}

TEST(Format, OptionalInputsLeftOut) {
  Graph graph = tiny_graph();
  graph.nodes()[0].inputs[2] = {};
  const auto back = ExactFile(written(graph)).read();
  ASSERT_TRUE(back.ok()) << back.status().message();
  expect_same_graph(graph, *back);
  EXPECT_EQ(back->nodes()[0].inputs.size(), 3u);
}

TEST(Format, SameGraphSameBytes) {
  EXPECT_EQ(written(rich_graph()), written(rich_graph()));
  Graph other = rich_graph();
  other.name += "!";
  EXPECT_NE(written(rich_graph()), written(other));
}

TEST(Format, OnlyConstantsThatAreReadAndAllAligned) {
  const auto back = ExactFile(written(rich_graph())).read();
  ASSERT_TRUE(back.ok());
  int constants = 0;
  for (const Value& value : back->values()) {
    EXPECT_NE(value.name, "unread");
    if (!value.is_constant()) continue;
    ++constants;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(value.constant.data) % 64, 0u) << value.name;
  }
  EXPECT_EQ(constants, 5);
  EXPECT_EQ(back->values().size(), rich_graph().values().size() - 1);
}

TEST(Format, ConstantsLiveAsLongAsTheGraph) {
  Graph graph;
  {
    ExactFile file(written(tiny_graph()));
    graph = *file.read();
  }
  expect_same_graph(tiny_graph(), graph);
}

TEST(Format, EveryTruncationIsRefused) {
  const Bytes file = written(rich_graph());
  for (std::size_t size = 0; size < file.size(); ++size) {
    const auto graph = ExactFile(file.data(), size).read();
    ASSERT_FALSE(graph.ok()) << size;
    ASSERT_EQ(graph.status().code(), StatusCode::kCorruptModel) << graph.status().message();
    ASSERT_FALSE(ExactFile(file.data(), size).read_unhashed().ok()) << size;
  }
  EXPECT_NE(ExactFile(file.data(), file.size() - 1).read().status().message().find("test.dtr: the file is truncated"),
            std::string::npos);
}

TEST(Format, BytesBehindTheEndAreRefused) {
  for (std::size_t more : {1, 63, 64, 4096}) {
    Bytes file = written(tiny_graph());
    file.resize(file.size() + more, 0);
    const auto graph = ExactFile(rehashed(file)).read();
    ASSERT_FALSE(graph.ok());
    EXPECT_NE(graph.status().message().find(std::to_string(more) + " more behind its end"), std::string::npos)
        << graph.status().message();
  }
}

TEST(Format, EveryDamagedByteIsFound) {
  ExactFile file(written(rich_graph()));
  for (std::size_t i = 0; i < file.bytes().size(); ++i) {
    file[i] ^= 0xFF;
    ASSERT_FALSE(file.read().ok()) << i;
    file[i] ^= 0xFF;
  }
  EXPECT_TRUE(file.read().ok());
}

TEST(Format, EveryDamagedBitIsFound) {
  ExactFile file(written(tiny_graph()));
  for (std::size_t i = 0; i < file.bytes().size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      file[i] ^= static_cast<unsigned char>(1 << bit);
      ASSERT_FALSE(file.read().ok()) << i << " bit " << bit;
      file[i] ^= static_cast<unsigned char>(1 << bit);
    }
  }
}

// Behind the hash stand the checks: whatever the damage, an error or a graph that is sound.
void expect_error_or_sound_graph(const ExactFile& file, std::size_t i, int* accepted) {
  const auto graph = file.read_unhashed();
  if (!graph.ok()) {
    ASSERT_TRUE(graph.status().code() == StatusCode::kCorruptModel || graph.status().code() == StatusCode::kUnsupported)
        << i << ": " << graph.status().message();
    return;
  }
  ++*accepted;
  ASSERT_TRUE(verify(*graph).ok()) << i;
  ASSERT_TRUE(write_graph(*graph).ok()) << i;
}

TEST(Format, DamageBehindTheHashIsSurvived) {
  int accepted = 0;
  ExactFile rich(written(rich_graph()));
  for (std::size_t i = 0; i < rich.bytes().size(); ++i) {
    rich[i] ^= 0xFF;
    ASSERT_NO_FATAL_FAILURE(expect_error_or_sound_graph(rich, i, &accepted));
    rich[i] ^= 0xFF;
  }
  ExactFile tiny(written(tiny_graph()));
  for (std::size_t i = 0; i < tiny.bytes().size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      tiny[i] ^= static_cast<unsigned char>(1 << bit);
      ASSERT_NO_FATAL_FAILURE(expect_error_or_sound_graph(tiny, i, &accepted));
      tiny[i] ^= static_cast<unsigned char>(1 << bit);
    }
  }
  EXPECT_GT(accepted, 100) << "damaged weights and names are still a sound graph";
}

TEST(Format, AFileOfVersion1_0StaysReadable) {
  const auto file = read_file(DOTORI_TEST_DATA "/format_1_0.dtr");
  ASSERT_TRUE(file.ok()) << file.status().message();
  const auto graph =
      read_graph({static_cast<const unsigned char*>(file->data), file->size_bytes}, file->owner, "format_1_0.dtr");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  expect_same_graph(rich_graph(), *graph);
}

TEST(Format, AFileOfVersion1_1StaysReadable) {
  const auto file = read_file(DOTORI_TEST_DATA "/format_1_1.dtr");
  ASSERT_TRUE(file.ok()) << file.status().message();
  const auto graph =
      read_graph({static_cast<const unsigned char*>(file->data), file->size_bytes}, file->owner, "format_1_1.dtr");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  Graph expected = rich_graph();
  expected.quantization = sample_report();
  expect_same_graph(expected, *graph);
}

TEST(Format, WriterRefusesWhatNoFileCanHold) {
  Graph graph = tiny_graph();
  graph.nodes()[0].name = "\xFF";
  auto bytes = write_graph(graph);
  ASSERT_FALSE(bytes.ok());
  EXPECT_EQ(bytes.status().message(), "the name of node 0 is not valid UTF-8");
  graph = tiny_graph();
  graph.task.labels = {"a", std::string("b\0", 2)};
  bytes = write_graph(graph);
  ASSERT_FALSE(bytes.ok());
  EXPECT_EQ(bytes.status().message(), "label 1 contains a NUL byte");
  graph = tiny_graph();
  graph.source = std::string(5000, 'x');
  bytes = write_graph(graph);
  ASSERT_FALSE(bytes.ok());
  EXPECT_EQ(bytes.status().message(), "the source is longer than 4096 bytes");
  graph = tiny_graph();
  graph.outputs.clear();
  EXPECT_FALSE(write_graph(graph).ok()) << "verify() comes first";
}

}  // namespace
}  // namespace dotori::graph
