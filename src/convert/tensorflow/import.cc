// SPDX-License-Identifier: Apache-2.0
#include <new>

#include "convert/convert.h"
#include "convert/tensorflow/builder.h"
#include "convert/tensorflow/file.h"
#include "graph/reader.h"
#include "graph/verify.h"

namespace dotori::convert {
namespace tensorflow {

Result<dotori_tensorflow::GraphDef> read_graph_def(const std::string& path) {
  constexpr std::size_t kMostBytes = 2147483647;  // protobuf's own limit
  DOTORI_ASSIGN_OR_RETURN(const graph::Constant file, graph::read_file(path, kMostBytes));
  dotori_tensorflow::GraphDef graph;
  if (!graph.ParseFromArray(file.data, static_cast<int>(file.size_bytes)) || graph.node_size() == 0)
    return corrupt_model(path + ": not a frozen TensorFlow graph (no valid GraphDef), or truncated");
  return graph;
}

namespace {

Result<graph::Graph> build(const std::string& path, const ImportOptions& options) {
  DOTORI_ASSIGN_OR_RETURN(const dotori_tensorflow::GraphDef source, read_graph_def(path));
  auto graph = Builder(source, options).build();
  if (!graph.ok()) return graph.status().with_context(path);
  const std::size_t slash = path.find_last_of('/');
  const std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
  graph->name = file.substr(0, file.rfind(".pb"));
  graph->source = "tensorflow: " + file;
  const Status verified = graph::verify(*graph);
  if (!verified.ok()) return verified.with_context(path);
  return graph;
}

}  // namespace
}  // namespace tensorflow

Result<graph::Graph> import_tensorflow(const std::string& path, const ImportOptions& options) {
  try {
    return tensorflow::build(path, options);
  } catch (const std::bad_alloc&) {
    return out_of_memory(path + ": not enough memory to import the network");
  }
}

}  // namespace dotori::convert
