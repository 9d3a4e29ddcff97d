"""A packed motion is the same motion, in few bytes."""

import io

import numpy as np
import pytest

from intermamba.errors import MotionFileError
from intermamba.motion.compact import motion_from_text, motion_to_text, pack_motion, unpack_motion
from tests.clips import synthetic_pair


@pytest.fixture(scope="module")
def pair():
    motion = synthetic_pair(120)
    motion.settings = {"steps": 20, "warning": "far away: né"}
    return motion


def test_what_is_packed_is_unpacked(pair):
    back = unpack_motion(pack_motion(pair))
    assert np.abs(back.joints - pair.joints).max() < 2e-4
    assert np.abs(back.root - pair.root).max() < 1e-5
    assert np.array_equal(back.contacts, pair.contacts)
    assert np.array_equal(back.rest, pair.rest)
    for name in ("fps", "prompt", "seed", "model", "version", "settings"):
        assert getattr(back, name) == getattr(pair, name)


def test_it_takes_few_bytes(pair):
    arrays = (pair.joints, pair.rotations, pair.root, pair.rest, pair.contacts)
    assert len(pack_motion(pair)) < 0.2 * sum(array.nbytes for array in arrays)


def test_turns_that_change_sign_are_kept(pair):
    """q and -q are one rotation: differences of them would be as large as 16 bits hold."""
    flipped = pair.rotations.copy()
    flipped[:, ::2] *= -1
    back = unpack_motion(pack_motion(type(pair)(**{**vars(pair), "rotations": flipped})))
    assert np.abs(back.joints - pair.joints).max() < 2e-4


def test_other_bytes_are_refused(pair):
    data = pack_motion(pair)
    other = io.BytesIO()
    np.savez(other, joints=pair.joints)
    for damaged in (b"", b"nonsense", data[:-200], other.getvalue()):
        with pytest.raises(MotionFileError, match="damaged"):
            unpack_motion(damaged)


def test_a_motion_is_kept_as_text(pair):
    text = motion_to_text(pair)
    assert text.isascii()
    assert np.array_equal(motion_from_text(text).rotations, unpack_motion(pack_motion(pair)).rotations)
    for damaged in ("", "not base 85 \n", text[:-200]):
        with pytest.raises(MotionFileError, match="damaged"):
            motion_from_text(damaged)
