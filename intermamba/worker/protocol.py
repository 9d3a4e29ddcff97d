"""Frames between Blender and the sampling process.

    4 bytes   b"IMWF"
    u32 LE    length of the header
    u32 LE    length of the payload
    header    UTF-8 JSON object {"type": ..., fields, "arrays": [{"name", "dtype", "shape"}, ...]}
    payload   those arrays one after another, little-endian, C order

To the worker: generate, cancel, ping, shutdown. From it: hello (always first), progress, warning (at most one a
job, before its first step), preview, result, error, cancelled, pong. Fields and message types that a side does not
know are ignored, so that a newer peer of the same PROTOCOL may send more. Nothing is pickled; every length is checked
before memory is taken.
"""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import WorkerError
from ..motion.motion import Motion

PROTOCOL = 1
MAGIC = b"IMWF"
MAX_HEADER = 1 << 16
MAX_PAYLOAD = 1 << 26
MAX_ARRAYS = 16
MAX_DIMENSIONS = 6
DTYPES = frozenset({"<f4", "<f8", "<i4", "<i8", "|u1", "|b1"})
_PREFIX = struct.Struct("<4sII")

TEXT = {
    "job": 64, "prompt": 2000, "sampler": 32, "phase": 32, "version": 64, "model": 256, "code": 32,
    "message": 4000, "hint": 4000,
}  # fmt: skip
"""Text fields and their greatest length in characters."""
NUMBERS = {
    "protocol": 1e6, "pid": 2**32, "frames": 1e9, "seed": 2**63, "steps": 1e6, "guidance": 1e6, "step": 1e6,
    "total": 1e6, "eta": 1e9, "fps": 1e6,
}  # fmt: skip
"""Number fields and their greatest magnitude."""
REQUIRED = {
    "hello": ("protocol", "version"),
    "generate": ("job", "prompt", "frames", "seed"),
    "cancel": ("job",),
    "progress": ("job", "step", "total"),
    "warning": ("job", "message"),
    "preview": ("job",),
    "result": ("job", "fps"),
    "error": ("code", "message"),
    "cancelled": ("job",),
}
MOTION_ARRAYS = ("joints", "rotations", "root", "rest", "contacts")
MOTION_FIELDS = ("fps", "prompt", "seed", "model", "version", "settings")


@dataclass(frozen=True)
class Message:
    """A message: type, fields and arrays. `message["job"]` is a field's value, None where it was not sent."""

    type: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        """The field's value, or None."""
        return self.fields.get(name)


def encode(message: Message) -> bytes:
    """One frame. Fields that are None are left out. Raises WorkerError where a limit is exceeded."""
    arrays = {name: _little_endian(name, array) for name, array in message.arrays.items()}
    header: dict[str, Any] = {name: value for name, value in message.fields.items() if value is not None}
    _check_fields(message.type, header)
    header["type"] = message.type
    header["arrays"] = [
        {"name": name, "dtype": array.dtype.str, "shape": array.shape} for name, array in arrays.items()
    ]
    try:
        head = json.dumps(header, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise WorkerError(f"A {message.type} message cannot be written as JSON: {error}.") from error
    payload = b"".join(array.tobytes() for array in arrays.values())
    _check_sizes(len(head), len(payload))
    return _PREFIX.pack(MAGIC, len(head), len(payload)) + head + payload


class FrameReader:
    """Turns a stream of bytes, in pieces of any size, into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes. Raises WorkerError for good at what is not a frame."""
        self._buffer += data
        messages = []
        while (message := self._take()) is not None:
            messages.append(message)
        return messages

    def _take(self) -> Message | None:
        if not MAGIC.startswith(bytes(self._buffer[:4])):
            start = bytes(self._buffer[:60]).decode("utf-8", "replace")
            raise WorkerError(f"Something other than frames was received; it begins with {start!r}.")
        if len(self._buffer) < _PREFIX.size:
            return None
        _, head, payload = _PREFIX.unpack_from(self._buffer)
        _check_sizes(head, payload)
        end = _PREFIX.size + head + payload
        if len(self._buffer) < end:
            return None
        frame = bytes(self._buffer[_PREFIX.size : end])
        del self._buffer[:end]
        return _decode(frame[:head], frame[head:])


def result(job: str, motion: Motion) -> Message:
    """The message that carries a Motion."""
    fields = {name: getattr(motion, name) for name in MOTION_FIELDS}
    return Message("result", fields | {"job": job}, {name: getattr(motion, name) for name in MOTION_ARRAYS})


def motion_of(message: Message) -> Motion:
    """The Motion that a result message carries. Raises WorkerError when it is not whole."""
    values: dict[str, Any] = {name: message[name] for name in MOTION_FIELDS if message[name] is not None}
    values |= {name: message.arrays.get(name) for name in MOTION_ARRAYS}
    frames = values["joints"].shape[1] if np.ndim(values["joints"]) == 4 else 0
    for name, shape in zip(MOTION_ARRAYS, _motion_shapes(frames), strict=True):
        whole = frames > 0 and np.shape(values[name]) == shape and np.isfinite(values[name]).all()
        if not whole or values["fps"] <= 0:
            raise WorkerError(
                f"The worker's result has no proper {name}: install the same version on both sides."
            )
    return Motion(**values)


def _motion_shapes(frames: int) -> tuple[tuple[int, ...], ...]:
    return (2, frames, 22, 3), (2, frames, 22, 4), (2, frames, 3), (2, 22, 3), (2, frames, 4)


def _decode(head: bytes, payload: bytes) -> Message:
    try:
        header = json.loads(head, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise WorkerError(f"A frame's header is not JSON: {error}.") from error
    kind = header.get("type") if isinstance(header, dict) else None
    if not isinstance(kind, str) or len(kind) > 32:
        raise WorkerError("A frame's header has no proper type.")
    specs = header.get("arrays", [])
    fields = {
        name: value for name, value in header.items() if value is not None and name not in ("type", "arrays")
    }
    _check_fields(kind, fields)
    return Message(kind, fields, _arrays(specs, payload))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def _check_sizes(head: int, payload: int) -> None:
    if head > MAX_HEADER or payload > MAX_PAYLOAD:
        raise WorkerError(
            f"A frame of {head} + {payload} bytes is over the limit of {MAX_HEADER} + {MAX_PAYLOAD}."
        )


def _check_fields(kind: str, fields: Mapping[str, Any]) -> None:
    missing = [name for name in REQUIRED.get(kind, ()) if name not in fields]
    if missing:
        raise WorkerError(f"A {kind} message lacks {', '.join(missing)}.")
    for name, value in fields.items():
        if name in TEXT and not (isinstance(value, str) and len(value) <= TEXT[name]):
            raise WorkerError(f"{name} of a {kind} message must be text of at most {TEXT[name]} characters.")
        if name in NUMBERS and not _is_number(value, NUMBERS[name]):
            raise WorkerError(f"{name} of a {kind} message must be a number of at most {NUMBERS[name]:g}.")
    if not isinstance(fields.get("settings", {}), dict):
        raise WorkerError(f"settings of a {kind} message must be an object.")


def _is_number(value: object, limit: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= limit


def _is_length(value: object) -> bool:
    return type(value) is int and 0 <= value <= MAX_PAYLOAD


def _little_endian(name: str, array: np.ndarray) -> np.ndarray:
    array = np.ascontiguousarray(array)
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    if array.dtype.str not in DTYPES:
        raise WorkerError(f"Array {name} has the type {array.dtype}, which frames do not carry.")
    return array


def _arrays(specs: object, payload: bytes) -> dict[str, np.ndarray]:
    if not isinstance(specs, list) or len(specs) > MAX_ARRAYS:
        raise WorkerError(f"A frame's arrays must be a list of at most {MAX_ARRAYS}.")
    arrays, start = {}, 0
    for spec in specs:
        name, dtype, shape = _array_spec(spec)
        count = math.prod(shape)
        size = count * dtype.itemsize
        if start + size > len(payload):
            raise WorkerError(f"Array {name} is longer than its frame.")
        arrays[name] = np.frombuffer(payload, dtype, count, start).reshape(shape).copy()
        start += size
    if start != len(payload):
        raise WorkerError("A frame's payload is longer than its arrays.")
    return arrays


def _array_spec(spec: object) -> tuple[str, np.dtype, list[int]]:
    spec = spec if isinstance(spec, dict) else {}
    name, dtype, shape = spec.get("name"), spec.get("dtype"), spec.get("shape")
    if not (isinstance(name, str) and len(name) <= 64 and isinstance(dtype, str) and dtype in DTYPES):
        raise WorkerError(f"A frame's array has no proper name or type: {str(spec)[:100]}.")
    if not (isinstance(shape, list) and len(shape) <= MAX_DIMENSIONS and all(map(_is_length, shape))):
        raise WorkerError(f"Array {name} has no proper shape: {str(shape)[:100]}.")
    return name, np.dtype(dtype), shape
