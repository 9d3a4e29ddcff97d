import numpy as np
import pytest

from intermamba.motion.metrics import foot_skate, pelvis_distance
from intermamba.motion.placement import facing
from training.compose.gait import Path, walk_together
from training.compose.plants import plant
from training.compose.score import load_score
from training.compose.stock import Stock

from .troupe import REST, WALK, troupe, write_score


def walkers(folder, text: str, seed: int = 0):
    plan = load_score(write_score(folder, text)).draw(np.random.default_rng(seed))
    line = walk_together(plan, Stock(troupe()), np.random.default_rng(seed))
    joints = np.stack([plant(track.body.joints(REST), track.runs) for track in line.tracks])
    return line, joints


def test_a_path_keeps_its_curvature_and_its_distance_to_the_side():
    along = np.linspace(0.0, 2.0, 9)
    line, yaw = Path(0.5).at(along, 0.0)
    aside, _ = Path(0.5).at(along, 0.3)
    np.testing.assert_allclose(np.linalg.norm(line - aside, axis=1), 0.3)
    np.testing.assert_allclose(np.linalg.norm(line - [2.0, 0.0], axis=1), 2.0)
    assert yaw[-1] == pytest.approx(1.0)


def test_side_by_side_on_an_arc(tmp_path):
    _, joints = walkers(tmp_path, WALK)
    apart = pelvis_distance(joints)
    assert apart.min() > 0.62
    assert apart.max() < 0.88
    for person in joints:
        assert foot_skate(person, 30.0) < 5.0
        way = np.diff(person[:, 0, ::2], axis=0)
        cosine = np.cos(facing(person[1:]) - np.arctan2(way[:, 0], way[:, 1]))
        assert cosine.min() > 0.8
    left = (
        np.cos(facing(joints[0])) * (joints[1] - joints[0])[:, 0, 0]
        - np.sin(facing(joints[0])) * (joints[1] - joints[0])[:, 0, 2]
    )
    assert left.min() > 0.4


def test_behind_at_the_distance(tmp_path):
    _, joints = walkers(tmp_path, "[walk]\nsecond = { behind = [1.1, 1.2] }\n")
    apart = pelvis_distance(joints)
    assert abs(apart - 1.15).max() < 0.15


def test_past_each_other_at_the_beat(tmp_path):
    line, joints = walkers(tmp_path, "[walk]\nsecond = { toward_past = [0.8, 0.9] }\n")
    apart = pelvis_distance(joints)
    assert abs(int(apart.argmin()) - line.beats["pass"]) <= 2
    assert apart.min() == pytest.approx(0.85, abs=0.1)
    assert apart[[0, -1]].min() > 1.2
    assert np.cos(facing(joints[0, 5]) - facing(joints[1, 5])) < -0.9


def test_opposite_on_a_circle(tmp_path):
    _, joints = walkers(tmp_path, '[walk]\npath = "circle"\nsecond = { opposite = 1.2 }\n')
    assert abs(pelvis_distance(joints) - 2.4).max() < 0.15


def test_the_same_seed_walks_the_same_way(tmp_path):
    one, other = (walkers(tmp_path, WALK, seed=4)[1] for _ in range(2))
    np.testing.assert_array_equal(one, other)
