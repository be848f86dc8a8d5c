# SPDX-License-Identifier: Apache-2.0
"""Cuts a .tflite file: the same network up to one operator, one operator alone, or with more outputs. Only numbers and list
lengths inside the FlatBuffer are overwritten, and lists appended, so nothing moves."""
import pathlib
import struct


class TfliteCut:
    """Of a file with one input and one subgraph. Field numbers after TensorFlow Lite's schema.fbs."""

    def __init__(self, path):
        self.bytes = pathlib.Path(path).read_bytes()
        root = self._u32(0)
        subgraph = self._tables(root, 2)[0]
        self.buffers = self._tables(root, 4)
        self.tensors = self._tables(subgraph, 0)
        self.operators = self._tables(subgraph, 3)
        self.at_outputs_field = self._field(subgraph, 2)
        self.at_inputs, self.at_outputs, self.at_operators = (self._target(subgraph, n) for n in (1, 2, 3))
        self.input = self._integers(self.at_inputs)[0]

    def _u32(self, at):
        return struct.unpack_from("<I", self.bytes, at)[0]

    def _field(self, table, number):
        """Where a field's value stands; 0 when it is not there."""
        vtable = table - struct.unpack_from("<i", self.bytes, table)[0]
        if 4 + 2 * number >= struct.unpack_from("<H", self.bytes, vtable)[0]:
            return 0
        offset = struct.unpack_from("<H", self.bytes, vtable + 4 + 2 * number)[0]
        return table + offset if offset else 0

    def _target(self, table, number):
        at = self._field(table, number)
        return at + self._u32(at) if at else 0

    def _integers(self, at):
        return list(struct.unpack_from(f"<{self._u32(at)}i", self.bytes, at + 4)) if at else []

    def _tables(self, table, number):
        at = self._target(table, number)
        return [at + 4 + 4 * i + self._u32(at + 4 + 4 * i) for i in range(self._u32(at))] if at else []

    def _is_constant(self, tensor):
        at = self._field(self.tensors[tensor], 2)
        data = self._target(self.buffers[self._u32(at)], 0) if at else 0
        return data != 0 and self._u32(data) > 0

    def operands(self, k):
        """Tensors that operator `k` reads and other operators write (or the input), and the first that it writes."""
        reads = [t for t in self._integers(self._target(self.operators[k], 1)) if t >= 0 and not self._is_constant(t)]
        return reads, self._integers(self._target(self.operators[k], 2))[0]

    def written(self):
        """All tensors that operators write."""
        return [t for k in range(len(self.operators)) for t in self._integers(self._target(self.operators[k], 2)) if t >= 0]

    def with_outputs(self, tensors):
        cut = bytearray(self.bytes) + bytes(-len(self.bytes) % 4)
        struct.pack_into("<I", cut, self.at_outputs_field, len(cut) - self.at_outputs_field)
        return bytes(cut + struct.pack(f"<I{len(tensors)}i", len(tensors), *tensors))

    def up_to(self, tensor):
        cut = bytearray(self.bytes)
        struct.pack_into("<Ii", cut, self.at_outputs, 1, tensor)
        return bytes(cut)

    def alone(self, k):
        """Operator `k`, which must have one operand."""
        reads, writes = self.operands(k)
        cut = bytearray(self.up_to(writes))
        struct.pack_into("<Ii", cut, self.at_inputs, 1, reads[0])
        struct.pack_into("<II", cut, self.at_operators, 1, self.operators[k] - (self.at_operators + 4))
        return bytes(cut)
