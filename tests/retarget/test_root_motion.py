"""Frames on the floor follow the body, and clips of every kind keep the two where they belong."""

import numpy as np
import pytest

from intermamba.retarget.root_motion import clip_frames, ground_frames, offset_of, root_poses


def walk(start, turn, frames=20):
    """Somebody who walks a curve: hips (T,3), left (T,3)."""
    yaw = turn + np.linspace(0, 3.0, frames)
    left = np.stack([np.cos(yaw), np.sin(yaw), 0.1 * np.sin(np.arange(frames))], axis=-1)
    hips = np.array(start) + np.cumsum(0.05 * np.stack([np.sin(yaw), -np.cos(yaw), 0 * yaw], axis=-1), axis=0)
    hips[:, 2] = 0.9 + 0.05 * np.sin(np.arange(frames))
    return hips, left


@pytest.fixture
def grounds():
    return np.array([ground_frames(*walk((1, 2, 0), 0.4), 0.25), ground_frames(*walk((1, 1, 0), 2.0), 0.25)])


def test_they_stand_below_the_hips_and_face_as_the_body_does():
    hips, left = walk((1, 2, 0), 0.4)
    frames = ground_frames(hips, left, 0.25)
    assert np.allclose(frames[:, :2, 3], hips[:, :2])
    assert np.allclose(frames[:, 2, 3], 0.25)
    level = left[:, :2] / np.linalg.norm(left[:, :2], axis=1, keepdims=True)
    assert np.allclose(frames[:, :2, 0], level)
    assert np.allclose(frames[:, :3, 2], [0, 0, 1])
    assert np.allclose(frames[:, :3, :3] @ np.swapaxes(frames[:, :3, :3], 1, 2), np.eye(3))


def test_a_figure_that_faces_minus_y_is_not_turned():
    assert np.allclose(ground_frames(np.zeros((1, 3)), np.array([[1.0, 0, 0]])), np.eye(4))


def test_a_cartwheel_has_no_sudden_turn():
    hips = np.zeros((9, 3))
    tilt = np.linspace(0, np.pi, 9)
    left = np.stack([np.cos(tilt), 0 * tilt, np.sin(tilt)], axis=-1)
    left[4] = (0.001, -0.002, 1.0)
    frames = ground_frames(hips, left)
    yaw = np.unwrap(np.arctan2(frames[:, 1, 0], frames[:, 0, 0]))
    assert np.abs(np.diff(yaw)).max() < 1.7
    assert np.isfinite(frames).all()


@pytest.mark.parametrize("root", ["HIPS", "ROOT", "IN_PLACE"])
def test_clips_start_where_their_origin_says(grounds, root):
    start = {
        origin: (clip_frames(grounds, root, origin) @ grounds)[:, 0] for origin in ("SCENE", "PAIR", "OWN")
    }
    assert np.allclose(start["SCENE"], grounds[:, 0])
    assert np.allclose(start["PAIR"], np.linalg.inv(grounds[0, 0]) @ grounds[:, 0])
    assert np.allclose(start["OWN"], np.eye(4))


@pytest.mark.parametrize("origin", ["SCENE", "PAIR", "OWN"])
def test_in_place_nobody_travels_but_all_turn(grounds, origin):
    frames = clip_frames(grounds, "IN_PLACE", origin)
    moved = frames @ grounds
    assert np.allclose(moved[:, :, :3, 3], moved[:, :1, :3, 3])
    turned = np.linalg.inv(moved[:, :1]) @ moved
    assert np.allclose(turned[..., :3, :3], (np.linalg.inv(grounds[:, :1]) @ grounds)[..., :3, :3])
    roots = root_poses(grounds, frames, "IN_PLACE")
    assert np.allclose(roots, moved[:, :1])


def test_a_root_bone_is_below_the_hips_of_the_clip(grounds):
    frames = clip_frames(grounds, "ROOT", "PAIR")
    assert np.allclose(root_poses(grounds, frames, "ROOT"), np.linalg.inv(grounds[0, 0]) @ grounds)


def test_an_offset_leads_from_one_to_the_other(grounds):
    position, turn = offset_of(grounds[0, 0], grounds[1, 0])
    there = grounds[0, 0] @ np.append(position, 1.0)
    assert np.allclose(there, grounds[1, 0, :, 3])
    assert turn == pytest.approx(np.degrees(1.6), abs=1e-6)
