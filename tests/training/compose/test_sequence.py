import numpy as np
import pytest

from intermamba.motion.metrics import foot_skate
from intermamba.motion.skeleton import L_WRIST, R_WRIST
from training.compose.plants import plant
from training.compose.sequence import (
    BLEND,
    Item,
    at_times,
    chain,
    jolts,
    looped,
    make_item,
    mirrored,
    retimed,
    split_runs,
    turned,
    waiting,
)

from .troupe import REST, bending, phrase, reaching, standing, walking


def bow() -> Item:
    return make_item(phrase("bow", bending(), 25), REST)


def walk(frames: int) -> Item:
    return looped(make_item(phrase("walk", walking(), 16, loops=True), REST), frames)


def stand(frames: int) -> Item:
    return looped(make_item(phrase("stand", standing(60), 30, loops=True), REST), frames)


def test_a_body_at_its_own_times_is_itself():
    body = bending()
    again = at_times(body, np.arange(body.frames, dtype=float))
    np.testing.assert_allclose(again.joints(REST), body.joints(REST), atol=1e-9)


@pytest.mark.parametrize("speed", [0.85, 1.0, 1.2])
def test_a_retimed_phrase_has_its_event_at_the_event(speed):
    item = retimed(bow(), speed)
    head = item.body.joints(REST)[:, 15, 1]
    assert abs(int(head.argmin()) - item.event) <= 1
    assert item.frames == pytest.approx(50 / speed, abs=1)


def test_a_held_phrase_stays_at_its_event():
    item = retimed(bow(), 1.0, hold=1.0)
    head = item.body.joints(REST)[:, 15, 1]
    assert item.frames == 80
    assert np.ptp(head[item.event : item.event + 28]) < 0.01
    assert head[item.event] == pytest.approx(head.min(), abs=0.01)


def test_a_chain_is_as_long_as_its_parts_less_their_overlaps_and_has_no_jolt():
    items = [stand(40), bow(), stand(40)]
    track = chain(items, [0, 40 - BLEND, 40 - 2 * BLEND + 50], [True, False, True], REST)
    assert track.body.frames == 40 + 50 + 40 - 2 * BLEND
    assert track.filling[:20].all()
    assert not track.filling[40:60].any()
    assert jolts(track.body.joints(REST)).max() < 20.0


def test_a_phrase_goes_on_where_the_last_one_left():
    items = [walk(60), stand(40)]
    track = chain(items, [0, 60 - BLEND], [False, True], REST)
    steps = np.linalg.norm(np.diff(track.body.root, axis=0), axis=-1)
    assert steps.max() < 0.06
    assert track.body.root[-1, 2] > 1.5


def test_feet_stand_through_a_blend_and_a_turn():
    items = [walk(60), stand(60)]
    track = chain(items, [0, 60 - BLEND], [False, True], REST)
    turn = np.clip((np.arange(track.body.frames) - 70) / 15.0, 0.0, 1.0)
    track = turned(track, turn, 0)
    runs = split_runs(track.runs, 70, 85)
    loose = track.body.joints(REST)
    kept = plant(loose, runs)
    assert foot_skate(loose, 30.0) > 8.0
    assert foot_skate(kept, 30.0) < 4.0
    assert jolts(kept).max() < 150.0
    assert kept[..., (10, 11), 1].min() > 0.0
    assert track.front[-1] == pytest.approx(1.0)


def test_planted_bones_keep_their_lengths():
    track = chain([walk(60), stand(40)], [0, 60 - BLEND], [False, True], REST)
    kept = plant(track.body.joints(REST), track.runs)
    shin = np.linalg.norm(kept[:, 7] - kept[:, 4], axis=-1)
    np.testing.assert_allclose(shin, np.linalg.norm(REST[7]), atol=1e-6)


def test_a_turned_track_stays_where_it_is_fixed():
    track = chain([walk(90)], [0], [False], REST)
    turn = np.clip((np.arange(90) - 40) / 20.0, 0.0, 1.0)
    other = turned(track, turn, 10)
    np.testing.assert_allclose(other.body.root[:35], track.body.root[:35], atol=1e-9)
    way = other.body.root[-1] - other.body.root[-10]
    assert np.arctan2(way[0], way[2]) == pytest.approx(1.0, abs=0.05)


def test_mirroring_a_track_exchanges_hands_and_feet():
    track = chain([make_item(phrase("reach_forward", reaching(), 20), REST)], [0], [False], REST)
    other = mirrored(track)
    ours, theirs = track.body.joints(REST), other.body.joints(REST)
    np.testing.assert_allclose(theirs[:, L_WRIST], ours[:, R_WRIST] * [-1, 1, 1], atol=1e-6)
    assert {run.foot for run in other.runs} == {0, 1}


def test_waiting_goes_on_in_the_pose():
    item = waiting(bow().slice(0, 26), 0, 60)
    assert item.frames == 86
    assert np.abs(np.diff(item.body.joints(REST), axis=0)).max() < 0.03
    assert np.ptp(item.body.joints(REST)[26:, 15, 1]) < 0.03
