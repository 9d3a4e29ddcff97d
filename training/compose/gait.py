"""Walking together: strides bent along one path, the second beside, behind, across from or towards the first."""

from dataclasses import dataclass, replace

import numpy as np

from intermamba.motion.filters import gaussian_smooth, smoothstep
from intermamba.motion.rotations import quat_multiply, yaw_quat
from intermamba.motion.skeleton import PELVIS

from .body import FPS, Body
from .schedule import BLEND, MOST_FRAMES, STEP, Timeline, Unfit, edge_parts, hung_parts, overlaid
from .score import Cue, Plan, Relation, Walk
from .sequence import Item, Track, chain, looped
from .stock import Stock

# How much slower or faster than captured strides may be, beyond the speed that the score asks for; and how much longer.
MOST_RETIMING, MOST_STRETCH = (0.8, 1.25), (0.82, 1.2)
# Frames (a Gaussian's sigma) over which the second's way is made that of the first.
TOGETHER = 12.0


@dataclass(frozen=True)
class Path:
    """A line on the floor with a curvature (1/m, positive to the left): from 0, along +Z at first."""

    bend: float

    def at(self, along: np.ndarray, left: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Places (T, 2) so far (m) along and to the left of the line, and its yaw (T,) there."""
        yaw = self.bend * along
        if abs(self.bend) < 1e-6:
            return np.stack([left + 0.0 * along, along], axis=1), yaw
        radius = 1.0 / self.bend
        x = radius - (radius - left) * np.cos(yaw)
        return np.stack([x, (radius - left) * np.sin(yaw)], axis=1), yaw


def walk_together(plan: Plan, stock: Stock, rng: np.random.Generator) -> Timeline:
    """Both people's tracks for a plan with a walk. Raises Unfit when their strides cannot keep together."""
    walk = plan.walk
    assert walk is not None
    frames = int(np.clip(plan.seconds.draw(rng) * FPS, STEP, MOST_FRAMES)) // STEP * STEP + 1
    stands = rng.random() < walk.start, rng.random() < walk.stop
    path = _path(walk, rng)
    one, pace = _straight(walk.gait, frames, stands, walk, None, stock, rng)
    wanted = None if walk.second.toward_past else pace
    tracks = [one, _straight(walk.second_gait or walk.gait, frames, stands, walk, wanted, stock, rng)[0]]
    meeting = int(frames * rng.uniform(0.4, 0.6))
    beats = {"start": 0, "end": frames - 1}
    if walk.second.toward_past:
        beats["pass"] = meeting
    first = _bent(tracks[0], path, _progress(tracks[0], meeting), 0.0)
    second = _related(tracks[0], tracks[1], path, walk.second, meeting, rng)
    out, laid = [], []
    for person, track in zip((plan.first, plan.second), (first, second), strict=True):
        flip = bool(rng.random() < 0.5)
        parts = hung_parts(person, beats, stock, flip, rng) + edge_parts(person, beats, stock, flip, rng)
        for part in parts:
            track = overlaid(track, part.item, part.start, part.cue.over or "upper")
        out.append(track)
        laid.append(tuple(parts))
    return Timeline((out[0], out[1]), beats, (laid[0], laid[1]))


def _path(walk: Walk, rng: np.random.Generator) -> Path:
    kind = walk.path[int(rng.integers(len(walk.path)))]
    radius = walk.second.opposite.draw(rng) if walk.second.opposite else walk.radius.draw(rng)
    if kind == "straight" and not walk.second.opposite:
        return Path(0.0)
    return Path(float(rng.choice([-1.0, 1.0])) / radius)


def _straight(
    gait: tuple[str, ...],
    frames: int,
    stands: tuple[bool, bool],
    walk: Walk,
    pace: float | None,
    stock: Stock,
    rng: np.random.Generator,
) -> tuple[Track, float]:
    """A track that goes along +Z, from a stand and to a stand where asked, and its pace (m/frame); `pace` if it can."""
    item = _travelling(stock.draw(Cue(gait), bool(rng.random() < 0.5), rng))
    own = float(item.body.root[-1, 2] - item.body.root[0, 2]) / (item.frames - 1)
    speed = walk.speed.draw(rng) if pace is None else float(np.clip(pace / own, *MOST_RETIMING))
    items: list[Item] = []
    need = frames
    if stands[0]:
        items += [
            _idle(stock, int(rng.integers(6, 30)), rng),
            _travelling(stock.draw(Cue(("walk_start",)), False, rng)),
        ]
        need -= items[0].frames + items[1].frames - 2 * BLEND
    tail: list[Item] = []
    if stands[1]:
        tail = [
            _travelling(stock.draw(Cue(("walk_stop",)), False, rng)),
            _idle(stock, int(rng.integers(10, 40)), rng),
        ]
        need -= tail[0].frames + tail[1].frames - 2 * BLEND
    if need < 2 * BLEND + 15:
        raise Unfit("timing")
    whole = looped(item, int(need * speed) + 3, int(rng.integers(max(item.frames - 1, 1))))
    items += [whole.at(np.arange(need) * speed, 0), *tail]
    starts = [0]
    for one in items[:-1]:
        starts.append(starts[-1] + one.frames - BLEND)
    track = chain(items, starts, [False] * len(items), stock.rest)
    return track.slice(track.body.frames - frames, track.body.frames), speed * own


def _idle(stock: Stock, frames: int, rng: np.random.Generator) -> Item:
    return stock.fill(("stand",), frames + BLEND, None, None, rng)


def _travelling(item: Item) -> Item:
    """The item turned so that it travels along +Z."""
    way = (item.body.root[-1] - item.body.root[0])[[0, 2]]
    return replace(
        item, body=item.body.moved(-float(np.arctan2(way[0], way[1]))), front=np.zeros(item.frames)
    )


def _progress(track: Track, zero: int) -> np.ndarray:
    """Metres (T,) gone along the way, 0 at frame `zero`."""
    along = track.body.root[:, 2]
    return along - along[zero]


def _related(
    first: Track, second: Track, path: Path, relation: Relation, meeting: int, rng: np.random.Generator
) -> Track:
    """The second's track, bent along the path of the first where the relation has it."""
    side = {"left": 1.0, "right": -1.0}.get(relation.side) or float(rng.choice([-1.0, 1.0]))
    if relation.toward_past:
        left = side * relation.toward_past.draw(rng)
        along = _progress(second, meeting)
        back = Path(-path.bend)
        bent = _bent(second, back, along / (1.0 - back.bend * left), left)
        return _opposed(bent)
    goal, left, behind = _progress(first, meeting), 0.0, 0.0
    if relation.beside:
        left = side * relation.beside.draw(rng)
    elif relation.behind:
        behind, left = relation.behind.draw(rng), side * relation.aside.draw(rng)
    stretch = 1.0 - path.bend * left
    second = _kept_up(second, goal * stretch)
    along = _progress(second, meeting) / stretch
    along += _while_walking(gaussian_smooth(goal - along, TOGETHER, 0), second)
    if relation.opposite:
        behind = np.pi / abs(path.bend)
    return _bent(second, path, along - behind, left)


def _while_walking(change: np.ndarray, track: Track) -> np.ndarray:
    """A change of place (T,) made while the person walks: who stands stays."""
    pace = gaussian_smooth(np.gradient(track.body.root[:, 2]) * FPS, 4.0, 0)
    step = np.diff(change, prepend=change[0]) * smoothstep(pace, 0.1, 0.4)
    return change[0] + np.cumsum(step)


def _opposed(track: Track) -> Track:
    """The track seen from the other side: half a turn about the floor's 0."""
    return track.moved(np.pi, np.zeros(2))


def _kept_up(track: Track, goal: np.ndarray) -> Track:
    """The track faster or slower so that it gets as far as `goal` (T,) does."""
    needed, own = float(np.ptp(goal)), float(np.ptp(track.body.root[:, 2]))
    ratio = needed / max(own, 1e-6)
    if not MOST_RETIMING[0] * MOST_STRETCH[0] < ratio < MOST_RETIMING[1] * MOST_STRETCH[1]:
        raise Unfit("gait")
    body = track.body
    return replace(track, body=Body(body.root * [1.0, 1.0, ratio], body.rotations))


def _bent(track: Track, path: Path, along: np.ndarray, left: float) -> Track:
    """A track that went along +Z laid along the path, `along` (T,) metres on and so far to the left of it."""
    root = track.body.root.copy()
    drift = gaussian_smooth(root[:, 0], 20.0, 0) if len(root) > 1 else root[:, 0]
    root[:, (0, 2)], yaw = path.at(along, root[:, 0] - drift + left)
    rotations = track.body.rotations.copy()
    rotations[:, PELVIS] = quat_multiply(yaw_quat(yaw), rotations[:, PELVIS])
    return replace(track, body=Body(root, rotations), front=track.front + yaw)
