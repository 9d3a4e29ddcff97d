import numpy as np

from intermamba.motion.placement import facing
from intermamba.motion.skeleton import DEFAULT_REST, MIRROR
from training.compose.body import Body


def walker(frames=40, turn=0.0, seed=0):
    """A body that goes along +Z, 4 cm a frame, turning by `turn` radians in all, with some pose of its own."""
    rng = np.random.default_rng(seed)
    rotations = np.zeros((frames, 22, 4))
    rotations[..., 0] = 1.0
    sway = 0.2 * np.sin(np.arange(frames) / 5.0 + rng.uniform(0, 6, (22, 1))).T
    rotations[..., 1] = sway
    rotations[:, 0] = 0.0
    half = 0.5 * np.linspace(0.0, turn, frames)
    rotations[:, 0, 0], rotations[:, 0, 2] = np.cos(half), np.sin(half)
    rotations /= np.linalg.norm(rotations, axis=-1, keepdims=True)
    root = np.stack([np.zeros(frames), np.full(frames, 0.9), 0.04 * np.arange(frames)], axis=-1)
    return Body(root, rotations)


def test_a_moved_body_is_the_same_body_elsewhere():
    body = walker()
    moved = body.moved(np.pi / 2, (1.0, 2.0))
    assert np.allclose(moved.root[0], [1.0, 0.9, 2.0])
    assert np.allclose(moved.root[-1] - moved.root[0], [0.04 * 39, 0.0, 0.0])
    assert np.allclose(
        facing(moved.joints(DEFAULT_REST))[0] - facing(body.joints(DEFAULT_REST))[0], np.pi / 2
    )
    inside = np.linalg.norm(np.diff(body.joints(DEFAULT_REST), axis=1), axis=-1)
    assert np.allclose(inside, np.linalg.norm(np.diff(moved.joints(DEFAULT_REST), axis=1), axis=-1))


def test_a_mirror_exchanges_the_sides():
    body = walker(turn=0.5)
    joints, mirrored = body.joints(DEFAULT_REST), body.mirrored().joints(DEFAULT_REST)
    assert np.allclose(mirrored, joints[:, MIRROR] * [-1, 1, 1])
    assert np.allclose(body.mirrored().mirrored().root, body.root)


def test_heading_runs_on_past_a_half_turn():
    assert np.allclose(walker(turn=4.0).heading()[-1], 4.0)


def test_then_goes_on_where_the_first_ended():
    first, second = walker(turn=1.0), walker(seed=1).moved(2.0, (5.0, -3.0))
    both = first.then(second, settle=10)
    assert both.frames == first.frames + second.frames - 1
    joints = both.joints(DEFAULT_REST)
    step = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max(axis=1)
    assert step[first.frames - 1] < 0.12, "no jump at the seam"
    way = both.root[-1] - both.root[first.frames - 1]
    assert np.allclose(np.arctan2(way[0], way[2]), 1.0, atol=1e-6), "the second goes where the first faced"
    assert np.allclose(
        both.slice(first.frames + 9).rotations[:, 5], second.slice(10).rotations[:, 5], atol=1e-9
    )


def test_a_loop_goes_on_for_as_long_as_asked():
    body = walker()
    whole = np.concatenate([body.rotations[:-1], body.rotations[:1]])
    loop = Body(body.root, whole)
    long = loop.repeated(100)
    assert long.frames == 100
    assert np.allclose(np.diff(long.root[:, 2]), 0.04)
    assert np.allclose(long.rotations[39:78, 1], loop.rotations[:39, 1])
