"""A motion in few bytes, to be kept inside another file: about a sixth of its arrays.

Rotations are rounded to 16 bits (0.004 degrees) and roots to 0.01 mm; both are stored as differences in time, which
compress well. Joints follow from them.
"""

import base64
import io
import json
import zipfile
import zlib

import numpy as np

from ..errors import MotionFileError
from .kinematics import fk
from .motion import Motion
from .rotations import normalise, quat_unroll

FORMAT = 1
_TURN, _PLACE, _CONTACT = 32767, 1e5, 255


def motion_to_text(motion: Motion) -> str:
    """The motion as ASCII for `motion_from_text`, where a file holds text and no bytes."""
    return base64.b85encode(pack_motion(motion)).decode("ascii")


def motion_from_text(text: str) -> Motion:
    """The motion of `motion_to_text`. Raises MotionFileError for other text."""
    try:
        return unpack_motion(base64.b85decode(text))
    except ValueError as error:
        raise MotionFileError("This take is damaged: generate it again.") from error


def pack_motion(motion: Motion) -> bytes:
    """The motion as bytes for `unpack_motion`."""
    rotations = np.rint(quat_unroll(motion.rotations, axis=1) * _TURN).astype(np.int16)
    root = np.rint(motion.root * _PLACE).astype(np.int32)
    facts = {
        "format": FORMAT,
        "fps": motion.fps,
        "prompt": motion.prompt,
        "seed": motion.seed,
        "model": motion.model,
        "version": motion.version,
        "settings": motion.settings,
    }
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        rotations=_differences(rotations),
        root=_differences(root),
        rest=motion.rest.astype(np.float32),
        contacts=np.rint(np.clip(motion.contacts, 0.0, 1.0) * _CONTACT).astype(np.uint8),
        facts=np.array(json.dumps(facts)),
    )
    return buffer.getvalue()


def unpack_motion(data: bytes) -> Motion:
    """The motion of `pack_motion`. Raises MotionFileError for other bytes."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("rotations", "root", "rest", "contacts")}
            facts = json.loads(file["facts"].item())
        if facts.pop("format") != FORMAT:
            raise MotionFileError("This take was kept by a newer version: install that one to use it.")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise MotionFileError("This take is damaged: generate it again.") from error
    rotations = np.cumsum(arrays["rotations"], axis=1, dtype=np.int16)
    rotations = normalise(rotations.astype(np.float32))
    root = (np.cumsum(arrays["root"], axis=1, dtype=np.int32) / _PLACE).astype(np.float32)
    rest = arrays["rest"]
    return Motion(
        joints=fk(rotations, root, rest[:, None]).astype(np.float32),
        rotations=rotations,
        root=root,
        rest=rest,
        contacts=arrays["contacts"].astype(np.float32) / _CONTACT,
        **facts,
    )


def _differences(values: np.ndarray) -> np.ndarray:
    """First values (2, 1, ...) and then what each frame adds; sums of it may wrap, and wrap back."""
    return np.diff(values, axis=1, prepend=np.zeros_like(values[:, :1]))
