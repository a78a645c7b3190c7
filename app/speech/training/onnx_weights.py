"""Reads the weights in an ONNX file, with nothing but NumPy: enough of protobuf for named tensors.

In: a path. Out: arrays by name. Field numbers are those of onnx.proto3: ModelProto.graph = 7, GraphProto.initializer =
5, TensorProto dims = 1, data_type = 2, float_data = 4, int32_data = 5, name = 8, raw_data = 9.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

__all__ = ["read_weights"]

_TYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 10: np.float16, 11: np.float64}


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """All initialisers of the graph. Raises ValueError where a tensor has a type that is not known here."""
    weights = {}
    for number, graph in _fields(path.read_bytes()):
        if number == 7:
            for inner, tensor in _fields(graph):
                if inner == 5:
                    name, array = _tensor(tensor)
                    weights[name] = array
    if not weights:
        raise ValueError(f"{path} holds no weights: expected an ONNX model")
    return weights


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(field number, bytes) of each field; a number comes as eight little-endian bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value.to_bytes(10, "little")[:8]
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"field of kind {kind} at byte {at}: not an ONNX model")
        yield key >> 3, data[at : at + size]
        at += size


def _tensor(data: bytes) -> tuple[str, np.ndarray]:
    dims: list[int] = []
    name, dtype, raw = "", 0, b""
    for number, value in _fields(data):
        if number == 1:
            dims += [int.from_bytes(value, "little")] if len(value) == 8 else list(_packed(value))
        elif number == 2:
            dtype = int.from_bytes(value, "little")
        elif number == 8:
            name = value.decode()
        elif number in (4, 9):
            raw = value
        elif number == 5:
            raw = np.array(list(_packed(value)), _TYPES.get(dtype, np.int32)).tobytes()
    if dtype not in _TYPES:
        raise ValueError(f"tensor {name} has the type {dtype}, which is not known here")
    return name, np.frombuffer(raw, _TYPES[dtype]).reshape(dims)


def _packed(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value
