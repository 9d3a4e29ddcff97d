"""In an epoch every clip comes once as it is and once mirrored, among clips of its length."""

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.clips import synthetic_pair
from training.data.clips import Clip
from training.data.epochs import SPREAD, EpochBatches

LENGTHS = (20, 34, 35, 36, 60, 61, 62, 63, 90, 130)


@pytest.fixture(scope="module")
def clips():
    pair = synthetic_pair(max(LENGTHS), 0)
    rotations = np.tile(np.array([1, 0, 0, 0], np.float32), (2, max(LENGTHS), 22, 1))
    return [
        Clip(
            id=str(n),
            joints=pair.joints[:, :n].astype(np.float32),
            rotations=rotations[:, :n],
            rest=np.zeros((2, 22, 3), np.float32),
            good=np.ones(n, bool),
            captions=("They turn left.",),
            interaction="handshake" if n == 90 else "",
        )
        for n in LENGTHS
    ]


def batches(clips, **changes):
    settings = {"pairs": 3, "patch": 1, "shortest": 24, "longest": 100, "common_captions": {}, "seed": 1}
    return EpochBatches(clips, **(settings | changes))


def epoch(drawn, number):
    return [drawn.draw(step) for step in range(number * drawn.per_epoch, (number + 1) * drawn.per_epoch)]


def test_every_long_enough_clip_comes_twice_an_epoch(clips):
    drawn = batches(clips, pairs=1)
    assert drawn.per_epoch == 18
    for number in (0, 1):
        seen = sorted((int(crop.clip.id), crop.mirror) for crops in epoch(drawn, number) for crop in crops)
        assert seen == [(length, mirror) for length in LENGTHS[1:] for mirror in (False, True)]
    assert epoch(drawn, 0) != epoch(drawn, 1)
    crops = [crop for crops in epoch(drawn, 0) for crop in crops]
    assert {crop.caption for crop in crops if crop.mirror} == {"They turn right."}
    assert any(crop.swap for crop in crops)


def test_mirroring_and_exchanging_can_be_left_out(clips):
    crops = [c for crops in epoch(batches(clips, pairs=1, mirror=False, swap=False), 0) for c in crops]
    assert len(crops) == 9
    assert not any(crop.mirror or crop.swap for crop in crops)
    handed = [c for crops in epoch(batches(clips, pairs=1, handed=("handshake",)), 0) for c in crops]
    assert [c.mirror for c in handed if c.clip.id == "90"] == [False]


def test_a_batch_is_of_one_length_and_nearly_whole_clips(clips):
    for crops in epoch(batches(clips, pairs=2), 0):
        (frames,) = {crop.frames for crop in crops}
        usable = [min(crop.clip.frames - 1, 100) for crop in crops]
        assert frames == min(usable)
        assert max(usable) <= frames * (1 + SPREAD) or len(usable) < 2 or {*usable} == {100, 89}


def test_features_and_masks_fit_the_crops(clips):
    drawn = batches(clips)
    whole = drawn.batch(4)
    assert whole.size == 3
    assert whole.features.shape == (3, 2, drawn.draw(4)[0].frames, 262)
    assert whole.mask.shape == (3, drawn.draw(4)[0].frames)
    part = drawn.batch(4, slice(1, None, 2))
    assert part.size == 3
    np.testing.assert_array_equal(part.features, whole.features[1::2])
    assert part.captions == whole.captions[1::2]


def test_fewer_clips_than_a_batch_holds_are_one_batch(clips):
    assert [len(crops) for crops in epoch(batches(clips, pairs=50), 0)] == [18]
