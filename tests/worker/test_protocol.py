import json
import struct
from contextlib import suppress

import numpy as np
import pytest

from intermamba.errors import WorkerError
from intermamba.worker.protocol import (
    MAX_PAYLOAD,
    FrameReader,
    Message,
    encode,
    motion_of,
    result,
)

from ..clips import synthetic_pair


def frame(header: object, payload: bytes = b"") -> bytes:
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<4sII", b"IMWF", len(head), len(payload)) + head + payload


def test_what_is_encoded_is_decoded():
    arrays = {
        "f": np.arange(6, dtype=np.float32).reshape(2, 3),
        "big": np.arange(3, dtype=">f8"),
        "mask": np.array([True, False]),
        "empty": np.zeros((0, 4), np.int32),
        "scalar": np.array(7, np.int64),
    }
    fields = {"job": "j", "prompt": "Zwei Menschen, 两个人", "frames": 210, "seed": 2**62, "steps": None}
    (message,) = FrameReader().feed(encode(Message("generate", fields, arrays)))
    assert message.type == "generate"
    assert dict(message.fields) == {name: value for name, value in fields.items() if value is not None}
    assert message["steps"] is None
    for name, array in arrays.items():
        np.testing.assert_array_equal(message.arrays[name], array)
        assert message.arrays[name].dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
        assert message.arrays[name].flags.writeable


def test_frames_come_in_pieces_of_any_size():
    sent = [Message("progress", {"job": "j", "step": k, "total": 9}, {"a": np.full(k, k)}) for k in range(9)]
    stream = b"".join(map(encode, sent))
    for size in (1, 7, 64, len(stream)):
        reader = FrameReader()
        got = [m for k in range(0, len(stream), size) for m in reader.feed(stream[k : k + size])]
        assert [m["step"] for m in got] == list(range(9))
        assert [m.arrays["a"].size for m in got] == list(range(9))


def test_a_motion_survives_the_journey():
    motion = synthetic_pair(20)
    motion.settings = {"steps": 20, "guidance": 3.5}
    (message,) = FrameReader().feed(encode(result("j", motion)))
    back = motion_of(message)
    for name, value in vars(motion).items():
        np.testing.assert_array_equal(getattr(back, name), value)


@pytest.mark.parametrize("name", ["joints", "rest", "contacts"])
def test_a_result_that_is_not_whole_is_refused(name):
    message = result("j", synthetic_pair(20))
    less = {key: value for key, value in message.arrays.items() if key != name}
    for arrays in (less, {**less, name: np.zeros((3, 4, 5), np.float32)}):
        with pytest.raises(WorkerError, match=f"no proper {name}"):
            motion_of(Message("result", message.fields, arrays))


def test_unknown_fields_and_types_are_carried_not_refused():
    (message,) = FrameReader().feed(frame({"type": "weather", "sun": [1, 2], "arrays": []}))
    assert (message.type, message["sun"]) == ("weather", [1, 2])


@pytest.mark.parametrize(
    "data",
    [
        b"Traceback (most recent call last)",
        b"\x00",
        struct.pack("<4sII", b"IMWF", 1 << 17, 0),
        struct.pack("<4sII", b"IMWF", 10, MAX_PAYLOAD + 1),
        frame(b"not json"),
        frame(b"\xff\xfe"),
        frame(b"[" * 60000),
        frame([1, 2]),
        frame({"no": "type"}),
        frame({"type": "x" * 33}),
        frame({"type": "cancel"}),
        frame({"type": "cancel", "job": 5}),
        frame({"type": "cancel", "job": "j" * 65}),
        frame({"type": "generate", "job": "j", "prompt": "p" * 2001, "frames": 1, "seed": 0}),
        frame({"type": "generate", "job": "j", "prompt": "p", "frames": "many", "seed": 0}),
        frame({"type": "generate", "job": "j", "prompt": "p", "frames": 10**10, "seed": 0}),
        frame({"type": "generate", "job": "j", "prompt": "p", "frames": True, "seed": 0}),
        frame(b'{"type": "pong", "eta": NaN}'),
        frame({"type": "result", "job": "j", "fps": 30, "settings": "none"}),
        frame({"type": "pong"}, b"left over"),
        frame({"type": "pong", "arrays": {}}),
        frame({"type": "pong", "arrays": ["joints"]}),
        frame({"type": "pong", "arrays": [{"name": "a", "dtype": "|O8", "shape": [1]}]}, bytes(8)),
        frame({"type": "pong", "arrays": [{"name": "a", "dtype": "<f4", "shape": [3]}]}, bytes(8)),
        frame({"type": "pong", "arrays": [{"name": "a", "dtype": "<f4", "shape": [-2]}]}, bytes(8)),
        frame({"type": "pong", "arrays": [{"name": "a", "dtype": "<f4", "shape": [1] * 7}]}, bytes(4)),
        frame({"type": "pong", "arrays": [{"name": "a", "dtype": "<f4", "shape": [1 << 26] * 6}]}),
        frame({"type": "pong", "arrays": [{"name": "a" * 65, "dtype": "<f4", "shape": []}]}, bytes(4)),
        frame(
            {"type": "pong", "arrays": [{"name": str(k), "dtype": "<f4", "shape": [0]} for k in range(17)]}
        ),
    ],
)
def test_what_is_no_frame_is_refused(data):
    with pytest.raises(WorkerError):
        FrameReader().feed(data)


def test_damaged_frames_raise_nothing_else():
    rng = np.random.default_rng(0)
    good = encode(Message("progress", {"job": "j", "step": 1, "total": 2}, {"a": np.zeros((2, 3))}))
    for _ in range(500):
        bad = bytearray(good)
        for at in rng.integers(0, len(bad), 3):
            bad[at] = rng.integers(0, 256)
        with suppress(WorkerError):
            FrameReader().feed(bytes(bad))


def test_what_breaks_the_limits_is_not_sent():
    for fields, arrays in (
        ({"prompt": "p" * 2001}, {}),
        ({"eta": float("nan")}, {}),
        ({"settings": {"x": np.float32(1)}}, {}),
        ({}, {"a": np.array(["text"])}),
        ({}, {"a": np.zeros(MAX_PAYLOAD // 8 + 1)}),
    ):
        with pytest.raises(WorkerError):
            encode(Message("pong", fields, arrays))
