// SPDX-License-Identifier: Apache-2.0
// One node of the GraphDef with all it was given, and what its importer makes of it.
#pragma once

#include <string>
#include <vector>

#include "convert/tensorflow/builder.h"
#include "convert/tensorflow/host_tensor.h"

namespace dotori::convert::tensorflow {

struct NodeContext {
  Builder& builder;
  const dotori_tensorflow::NodeDef& node;
  std::vector<Tensor> inputs;

  const std::string& op() const { return node.op(); }
  const std::string& name() const { return node.name(); }
  // Errors: kCorruptModel with both numbers.
  Status expect_inputs(std::size_t least, std::size_t most) const;
  // The numbers of an input that must be known now. Errors: kUnsupported.
  Result<Dims> integers(std::size_t input) const;
  Result<std::int64_t> integer(std::size_t input) const;
  Result<const HostTensor*> known(std::size_t input) const;

  std::string text(const char* attr) const;
  std::int64_t integer(const char* attr, std::int64_t otherwise) const;
  float number(const char* attr, float otherwise) const;
  bool flag(const char* attr, bool otherwise) const;
  Dims list(const char* attr) const;

  // An axis as written, negative from the end. Errors: kCorruptModel.
  Result<int> axis(std::int64_t written, std::size_t rank) const;
};

// Makes a node's outputs.
using NodeFunction = Result<std::vector<Tensor>> (*)(NodeContext&);
// nullptr: not supported.
NodeFunction find_op(const std::string& op);
std::vector<std::string> known_ops();  // sorted
// What to do instead; "" when there is nothing to say.
const char* rewrite_hint(const std::string& op);

Result<std::vector<Tensor>> convolution(NodeContext& c);
Result<std::vector<Tensor>> transposed_convolution(NodeContext& c);
Result<std::vector<Tensor>> pool(NodeContext& c);
Result<std::vector<Tensor>> matmul(NodeContext& c);
Result<std::vector<Tensor>> resize(NodeContext& c);

Result<std::vector<Tensor>> unary(NodeContext& c);
Result<std::vector<Tensor>> binary(NodeContext& c);
Result<std::vector<Tensor>> add_n(NodeContext& c);
Result<std::vector<Tensor>> batch_norm(NodeContext& c);
Result<std::vector<Tensor>> softmax(NodeContext& c);
Result<std::vector<Tensor>> reduce(NodeContext& c);
Result<std::vector<Tensor>> arg_max(NodeContext& c);
Result<std::vector<Tensor>> cast(NodeContext& c);

Result<std::vector<Tensor>> identity(NodeContext& c);
Result<std::vector<Tensor>> shape(NodeContext& c);
Result<std::vector<Tensor>> reshape(NodeContext& c);
Result<std::vector<Tensor>> squeeze(NodeContext& c);
Result<std::vector<Tensor>> expand_dims(NodeContext& c);
Result<std::vector<Tensor>> transpose(NodeContext& c);
Result<std::vector<Tensor>> concat(NodeContext& c);
Result<std::vector<Tensor>> pack(NodeContext& c);
Result<std::vector<Tensor>> split(NodeContext& c);
Result<std::vector<Tensor>> strided_slice(NodeContext& c);
Result<std::vector<Tensor>> slice(NodeContext& c);
Result<std::vector<Tensor>> pad(NodeContext& c);
Result<std::vector<Tensor>> fill(NodeContext& c);
Result<std::vector<Tensor>> block(NodeContext& c);
Result<std::vector<Tensor>> batch_blocks(NodeContext& c);

}  // namespace dotori::convert::tensorflow
