"""A person's timeline: phrases retimed and laid on their frames, fills between them, one blended into the next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from intermamba.motion.filters import gaussian_smooth, smoothstep
from intermamba.motion.placement import facing
from intermamba.motion.rotations import normalise, quat_multiply, quat_slerp, quat_unroll, yaw_quat
from intermamba.motion.skeleton import FEET, L_FOOT, L_WRIST, PELVIS, R_FOOT, R_WRIST

from .body import FPS, Body
from .library import Phrase

# Frames over which one item is blended into the next.
BLEND = 12
# A ball of a foot stands below this height (m) and speed (m/s), for at least so many frames.
STAND_HEIGHT, STAND_SPEED, LEAST_STAND = 0.065, 0.6, 3
# A phrase with sharper changes of acceleration (m/s^2 in a frame) is smoothed, by these sigmas in turn (frames).
SHARPEST, SOFTENING = 240.0, (0.6, 0.8, 1.0, 1.3)
# Who has the pelvis below this (m) sits or lies, and waits as he is; how much of the source's motion (s) then goes
# back and forth, in how many seconds.
LOW_PELVIS = 0.6
BREATH, BREATH_SECONDS = 0.12, 3.5
# A loop faces at most this far (radians) from where it attends: a fighter stands half turned, not side on.
MOST_ASIDE = np.radians(40.0)
# How much of the source's motion (s) goes on while a pose is held.
HELD_MOTION = 0.15
# An aimed phrase attends to its aim, and afterwards too unless the body has turned by more than this (radians).
TURNS_AWAY = np.radians(75.0)
_POSE = (*FEET, L_WRIST, R_WRIST)


@dataclass(frozen=True)
class Item:
    """A phrase as it will be done.

    Its body, its event's frame, where it attends (T,) yaw, which feet stand (T, 2), and the points by which poses are
    compared (T, 6, 3): feet and wrists about the pelvis, +Z being where it attends.
    """

    body: Body
    event: int
    front: np.ndarray
    stands: np.ndarray
    pose: np.ndarray
    loops: bool = False

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.body.frames

    def slice(self, start: int, stop: int) -> "Item":
        """Frames `start` to `stop` alone; the event is kept inside."""
        stop = min(stop, self.frames)
        return Item(
            self.body.slice(start, stop),
            int(np.clip(self.event - start, 0, stop - start - 1)),
            self.front[start:stop],
            self.stands[start:stop],
            self.pose[start:stop],
        )

    def low(self, frame: int) -> bool:
        """Whether the person sits or lies in a frame."""
        return bool(self.body.root[frame, 1] < LOW_PELVIS)

    def at(self, times: np.ndarray, event: int) -> "Item":
        """The item at other times (T,), in frames of it."""
        nearest = np.clip(np.rint(times).astype(int), 0, self.frames - 1)
        body = at_times(self.body, times)
        return Item(body, event, self.front[nearest], self.stands[nearest], self.pose[nearest])


@dataclass(frozen=True)
class Run:
    """A foot (0 left, 1 right) stands in frames `start` to `stop` - 1; where, is seen in the clean ones of them."""

    foot: int
    start: int
    stop: int
    clean: tuple[int, int]


@dataclass(frozen=True)
class Track:
    """A whole timeline: body, where the person attends (T,) yaw, when feet stand, which frames are fills (T,) bool."""

    body: Body
    front: np.ndarray
    runs: tuple[Run, ...]
    filling: np.ndarray

    def moved(self, yaw: float, offset: np.ndarray) -> "Track":
        """Turned and shifted on the floor as one."""
        return replace(self, body=self.body.moved(yaw, offset), front=self.front + yaw)

    def slice(self, start: int, stop: int) -> "Track":
        """Frames `start` to `stop` alone."""
        size = stop - start
        runs = [
            Run(
                run.foot,
                max(run.start - start, 0),
                min(run.stop - start, size),
                _within(run.clean, start, size),
            )
            for run in self.runs
            if run.stop > start and run.start < stop
        ]
        body = self.body.slice(start, stop)
        return Track(body, self.front[start:stop], tuple(runs), self.filling[start:stop])


def _within(span: tuple[int, int], start: int, size: int) -> tuple[int, int]:
    return int(np.clip(span[0] - start, 0, size)), int(np.clip(span[1] - start, 0, size))


def at_times(body: Body, times: np.ndarray) -> Body:
    """The body at other times (T,), in frames: a Catmull-Rom cubic, held at its ends."""
    last = body.frames - 1
    times = np.clip(times, 0, last)
    at = np.minimum(times.astype(int), max(last - 1, 0))
    u = (times - at)[:, None]
    flat = np.concatenate([body.root, quat_unroll(body.rotations, 0).reshape(last + 1, -1)], axis=1)
    before, here, there, after = (flat[np.clip(at + k, 0, last)] for k in (-1, 0, 1, 2))
    before = np.where((at == 0)[:, None], 2 * here - there, before)
    after = np.where((at >= last - 1)[:, None], 2 * there - here, after)
    a, b = 0.5 * (there - before), 0.5 * (after - here)
    out = here + u * (a + u * (3 * (there - here) - 2 * a - b + u * (2 * (here - there) + a + b)))
    return Body(out[:, :3], normalise(out[:, 3:].reshape(len(times), -1, 4)))


def make_item(phrase: Phrase, rest: np.ndarray) -> Item:
    """A phrase as it is, with what its joints say of feet and attention."""
    body = softened(phrase.body, rest)
    joints = body.joints(rest)
    aside = float(facing(joints[0])) if phrase.loops else 0.0
    if abs(aside) > MOST_ASIDE:
        body = body.moved(float(np.clip(aside, -MOST_ASIDE, MOST_ASIDE)) - aside)
        joints = body.joints(rest)
    front = _front(phrase, joints)
    return Item(body, phrase.event, front, _stands(joints), _pose(joints, front), phrase.loops)


def _pose(joints: np.ndarray, front: np.ndarray) -> np.ndarray:
    x, y, z = np.moveaxis(joints[:, _POSE, :] - joints[:, (PELVIS,), :] * [1, 0, 1], -1, 0)
    cosine, sine = np.cos(front)[:, None], np.sin(front)[:, None]
    return np.stack([cosine * x - sine * z, y, cosine * z + sine * x], axis=-1)


def softened(body: Body, rest: np.ndarray) -> Body:
    """The body without jolts that no muscle makes, as hand-keyed clips have them: as little smoothed as will do."""
    out = body
    for sigma in SOFTENING:
        if body.frames < 8 or jolts(out.joints(rest)).max() < SHARPEST:
            break
        rotations = gaussian_smooth(quat_unroll(body.rotations, 0), sigma, 0)
        out = Body(gaussian_smooth(body.root, sigma, 0), normalise(rotations))
    return out


def jolts(joints: np.ndarray) -> np.ndarray:
    """How much the acceleration of joints (..., T, 22, 3) changes from frame to frame (..., T - 3, 22), m/s^2."""
    return np.linalg.norm(np.diff(joints, n=3, axis=-3), axis=-1) * FPS**2


def _front(phrase: Phrase, joints: np.ndarray) -> np.ndarray:
    if phrase.loops:
        return np.zeros(len(joints))
    yaw = np.unwrap(facing(joints))
    if not phrase.aimed:
        return gaussian_smooth(yaw - yaw[0], 4.0, 0)
    net = yaw[-1] - yaw[0]
    later = smoothstep(np.arange(len(joints)), phrase.event, max(len(joints) - 1, phrase.event + 1))
    return net * later if abs(net) > TURNS_AWAY else np.zeros(len(joints))


def _stands(joints: np.ndarray) -> np.ndarray:
    """Which balls of the feet (T, 2) are low and still."""
    balls = joints[:, (L_FOOT, R_FOOT)]
    speed = np.linalg.norm(gaussian_smooth(np.gradient(balls, axis=0), 1.0, 0)[..., (0, 2)], axis=-1) * FPS
    return (balls[..., 1] < STAND_HEIGHT) & (speed < STAND_SPEED)


def retimed(item: Item, speed: float, hold: float = 0.0) -> Item:
    """The item `speed` times as fast, the pose of its event held for `hold` seconds more."""
    stretch = round(hold * FPS)
    frames = round((item.frames - 1) / speed) + 1
    event = round(item.event / speed)
    times = np.linspace(0.0, item.frames - 1, frames)
    if stretch:
        inside = min(HELD_MOTION * FPS, 2.0 * item.event, 2.0 * (item.frames - 1 - item.event))
        first, last = (np.interp(item.event + d * 0.5 * inside, times, np.arange(frames)) for d in (-1, 1))
        knots = [0.0, first, last + stretch, frames - 1 + stretch]
        steps = np.arange(frames + stretch)
        times = np.interp(
            steps, knots, [0.0, item.event - 0.5 * inside, item.event + 0.5 * inside, item.frames - 1]
        )
        times = np.maximum.accumulate(gaussian_smooth(times, 3.0, 0))
        times, event = np.clip(times, 0.0, item.frames - 1), round(float(first))
    return item.at(times, event)


def waiting(item: Item, before: int, after: int) -> Item:
    """The item with its first pose going on for `before` frames ahead of it, and its last for `after` behind."""
    t = np.arange(before + after)
    swell = 0.5 * BREATH * FPS * (1.0 - np.cos(2.0 * np.pi * t / (BREATH_SECONDS * FPS)))
    last = item.frames - 1
    times = np.concatenate(
        [np.minimum(swell[:before][::-1], last), np.arange(last + 1.0), last - swell[:after]]
    )
    return item.at(np.maximum(times, 0.0), item.event + before)


def looped(item: Item, frames: int, offset: int = 0) -> Item:
    """A looping item that goes on for `frames`, from frame `offset` of it on."""
    body = item.body.repeated(offset + frames).slice(offset)
    at = np.arange(offset, offset + frames) % max(item.frames - 1, 1)
    return Item(body, 0, np.zeros(frames), item.stands[at], item.pose[at])


def chain(items: Sequence[Item], starts: Sequence[int], fills: Sequence[bool], rest: np.ndarray) -> Track:
    """Items one after the other, each from its start on, the first from 0. Neighbours overlap and are blended there."""
    body, front = items[0].body, items[0].front
    spans = [(start, start + item.frames) for item, start in zip(items, starts, strict=True)]
    for item, (start, stop) in zip(items[1:], spans[1:], strict=True):
        body, front = _join(body, front, item, start)
        assert body.frames == stop
    runs = [run for k in range(len(items)) for run in _runs(items[k], spans, k)]
    filling = np.zeros(body.frames, bool)
    for fill, (start, stop) in zip(fills, spans, strict=True):
        filling[start:stop] = fill
    return Track(body, front, tuple(runs), filling)


def _join(body: Body, front: np.ndarray, item: Item, start: int) -> tuple[Body, np.ndarray]:
    """`item` from frame `start` on after what there is, moved so that it goes on where that is in the overlap."""
    overlap = body.frames - start
    middle = overlap // 2
    yaw = float(front[start + middle] - item.front[middle])
    placed = item.body.moved(yaw, body.root[start + middle, (0, 2)] - on_floor(item.body.root[middle], yaw))
    weight = smoothstep(np.arange(1, overlap + 1) / (overlap + 1), 0.0, 1.0)
    before, after = body.slice(start), placed.slice(0, overlap)
    root = before.root + weight[:, None] * (after.root - before.root)
    rotations = quat_slerp(before.rotations, after.rotations, weight[:, None])
    later = item.front + yaw
    fronts = front[start:] + weight * (later[:overlap] - front[start:])
    joined = Body(
        np.concatenate([body.root[:start], root, placed.root[overlap:]]),
        np.concatenate([body.rotations[:start], rotations, placed.rotations[overlap:]]),
    )
    return joined, np.concatenate([front[:start], fronts, later[overlap:]])


def on_floor(point: np.ndarray, yaw: float) -> np.ndarray:
    """Where (x, z) a point (3,) is after a turn by `yaw` about the floor's 0."""
    cosine, sine = np.cos(yaw), np.sin(yaw)
    return np.array([cosine * point[0] + sine * point[2], cosine * point[2] - sine * point[0]])


def _runs(item: Item, spans: list[tuple[int, int]], number: int) -> list[Run]:
    """When the feet of an item stand, in frames of the timeline: half of each overlap is its own, and none is clean."""
    start, stop = spans[number]
    before = spans[number - 1][1] if number else start
    after = spans[number + 1][0] if number + 1 < len(spans) else stop
    own = (
        (start + before) // 2 if number else start,
        (after + stop) // 2 if number + 1 < len(spans) else stop,
    )
    runs = []
    for foot in (0, 1):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], item.stands[:, foot], [0]]))) + start
        for first, last in edges.reshape(-1, 2).tolist():
            first, last = max(first, own[0]), min(last, own[1])
            clean = max(first, before), min(last, after)
            if last - first >= LEAST_STAND and clean[1] > clean[0]:
                runs.append(Run(foot, first, last, clean))
    return runs


def turned(track: Track, turn: np.ndarray, fixed: int) -> Track:
    """The person turned by yaw `turn` (T,) more, going the turned way; frame `fixed` stays where it is.

    The turn there has to be 0.
    """
    body = track.body
    steps = np.diff(body.root, axis=0)
    half = 0.5 * (turn[1:] + turn[:-1])
    cosine, sine = np.cos(half), np.sin(half)
    across = np.stack(
        [cosine * steps[:, 0] + sine * steps[:, 2], cosine * steps[:, 2] - sine * steps[:, 0]], axis=1
    )
    path = np.concatenate([[[0.0, 0.0]], np.cumsum(across, axis=0)])
    root = body.root.copy()
    root[:, (0, 2)] = path - path[fixed] + body.root[fixed, (0, 2)]
    rotations = body.rotations.copy()
    rotations[:, PELVIS] = quat_multiply(yaw_quat(turn), rotations[:, PELVIS])
    return replace(track, body=Body(root, rotations), front=track.front + turn)


def split_runs(runs: Sequence[Run], start: int, stop: int) -> tuple[Run, ...]:
    """Runs in which the person turns from frame `start` to `stop`: each that goes on for longer becomes two."""
    out = []
    for run in runs:
        if run.start < stop and run.stop > start:
            middle = (start + stop) // 2
            parts = [(run.start, min(run.stop, middle), (run.clean[0], min(run.clean[1], start)))]
            parts += [(max(run.start, middle), run.stop, (max(run.clean[0], stop), run.clean[1]))]
            out += [Run(run.foot, a, b, clean) for a, b, clean in parts if clean[1] > clean[0] and b - a > 1]
        else:
            out.append(run)
    return tuple(out)


def mirrored(track: Track) -> Track:
    """Left and right exchanged."""
    runs = tuple(replace(run, foot=1 - run.foot) for run in track.runs)
    return Track(track.body.mirrored(), -track.front, runs, track.filling)
