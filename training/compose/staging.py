"""Where the two stand: placed at a beat so that what should touch is near, and turned to each other by steps."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from intermamba.motion.body_points import body_point
from intermamba.motion.filters import gaussian_smooth, smoothstep
from intermamba.motion.rotations import quat_apply, quat_multiply, yaw_quat
from intermamba.motion.skeleton import HEAD, NECK, PELVIS, SPINE1, SPINE2, SPINE3
from intermamba.motion.touch import Touch

from .body import Body
from .schedule import Timeline
from .score import Plan
from .sequence import BLEND, Track, on_floor, split_runs, turned

# Places that are tried for the one where touching points are nearest.
TRIES = 10
# A person turns to the partner when more than this (radians) away, by steps of at most so much in so many frames.
FACE_FROM, FACE_STEP, FACE_FRAMES = np.radians(24.0), np.radians(60.0), 15
# Who is less than this (radians) off does not turn for a phrase.
AIM_FROM = np.radians(12.0)
# How often (frames) a waiting person looks where the partner is.
LOOK_EVERY = 20
# How far (radians) a head is turned towards the partner, and over how many frames (a Gaussian's sigma) that changes.
MOST_GLANCE, GLANCE_SMOOTHING = 0.8, 4.0
# How far (radians) who walks turns the spine to the partner.
MOST_TWIST = 0.7
_SPINE = (SPINE1, SPINE2, SPINE3)


def placed(
    line: Timeline, plan: Plan, touches: Sequence[Touch], rest: np.ndarray, rng: np.random.Generator
) -> Timeline:
    """The second moved to where the score has it at the place's beat."""
    place = plan.place
    assert place is not None
    first, second = line.tracks
    frame = int(np.clip(line.beats[place.beat], 0, line.frames - 1))
    best, least = (0.0, np.zeros(2)), np.inf
    ready = [_touching(line.tracks, touch, rest) for touch in touches]
    for _ in range(TRIES if ready else 1):
        bearing, heading = (np.radians(x.draw(rng)) for x in (place.bearing, place.heading))
        yaw = first.front[frame] + heading - second.front[frame]
        way = first.front[frame] + bearing
        goal = first.body.root[frame, (0, 2)] + place.distance.draw(rng) * np.array(
            [np.sin(way), np.cos(way)]
        )
        offset = goal - on_floor(second.body.root[frame], yaw)
        misfit = sum(
            _misfit(ends, touch.person, yaw, offset) for ends, touch in zip(ready, touches, strict=True)
        )
        if misfit < least or not ready:
            best, least = (yaw, offset), misfit
    return replace(line, tracks=(first, second.moved(*best)))


def _touching(tracks: Sequence[Track], touch: Touch, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The touch's own point and the partner's (3,), in the middle of it."""
    frame = int(np.clip((touch.start + touch.stop) // 2, 0, tracks[0].body.frames - 1))
    frames = [track.body.slice(frame, frame + 1).joints(rest) for track in tracks]
    own = body_point(frames[touch.person], touch.point)[0]
    other = body_point(frames[1 - touch.person], touch.on)[0]
    return own, other


def _misfit(ends: tuple[np.ndarray, np.ndarray], person: int, yaw: float, offset: np.ndarray) -> float:
    fixed, moving = ends if person == 0 else ends[::-1]
    return float(np.linalg.norm(on_floor(moving, yaw) + offset - fixed[[0, 2]]))


def faced(line: Timeline, plan: Plan) -> Timeline:
    """Both turned as the score asks: to the partner while they wait, or for a phrase; by some degrees before one.

    Where the score has them face to face, they stay so.
    """
    fixed = int(np.clip(line.beats[plan.place.beat], 0, line.frames - 1)) if plan.place else 0
    opposed = plan.place is not None and plan.place.face_to_face
    tracks = list(line.tracks)
    for k, person in enumerate((plan.first, plan.second)):
        for part in sorted(line.parts[k], key=lambda part: part.start):
            before, event = (int(np.clip(part.start + t, 0, line.frames - 1)) for t in (0, part.item.event))
            if before < fixed or part.cue.over:
                continue
            turn = part.cue.turn or ("partner" if opposed and part.cue.beat else 0.0)
            angle = _error(tracks[k], tracks[1 - k], event) if turn == "partner" else np.radians(float(turn))
            if abs(angle) > AIM_FROM:
                tracks[k] = _turn(tracks[k], before, float(angle), fixed, blending=True)
        if (plan.place and person.face == "partner") or (opposed and not person.face):
            tracks[k] = _facing(tracks[k], tracks[1 - k], fixed)
    return replace(line, tracks=_glancing(tracks, plan))


def _glancing(tracks: Sequence[Track], plan: Plan) -> tuple[Track, Track]:
    """Both looking at each other where they are placed, and where they walk and the score asks."""
    seen = []
    for k, person in enumerate((plan.first, plan.second)):
        twist = MOST_TWIST if plan.walk and (person.face or plan.walk.second.opposite) else 0.0
        looks = plan.place is not None or (twist > 0.0 and person.face != "none")
        seen.append(looking(tracks[k], tracks[1 - k], twist) if looks else tracks[k])
    return seen[0], seen[1]


def _error(track: Track, partner: Track, frame: int) -> float:
    """By how much (radians) the person would have to turn to face the partner."""
    way = (partner.body.root[frame] - track.body.root[frame])[[0, 2]]
    return float((np.arctan2(way[0], way[1]) - track.front[frame] + np.pi) % (2 * np.pi) - np.pi)


def _turn(track: Track, start: int, angle: float, fixed: int, *, blending: bool = False) -> Track:
    """The track turned by `angle` from frame `start` on, with steps; where it is `blending` the blend makes them."""
    steps = 1 if blending else int(np.ceil(abs(angle) / FACE_STEP))
    frames = BLEND if blending else FACE_FRAMES
    turn = np.zeros(track.body.frames)
    runs = track.runs
    for step in range(steps):
        first = start + step * frames
        turn += angle / steps * smoothstep(np.arange(len(turn)), first, first + frames)
        if not blending:
            runs = split_runs(runs, first + 2, first + frames - 2)
    return turned(replace(track, runs=runs), turn, fixed)


def _facing(track: Track, partner: Track, fixed: int) -> Track:
    """The track with turns to the partner in its waiting."""
    frame = fixed
    while frame < track.body.frames - FACE_FRAMES:
        if track.filling[frame : frame + FACE_FRAMES].all():
            ahead = min(frame + FACE_FRAMES, track.body.frames - 1)
            angle = _error(track, partner, ahead)
            if abs(angle) > FACE_FROM:
                track = _turn(track, frame, angle, fixed)
                frame += FACE_FRAMES * int(np.ceil(abs(angle) / FACE_STEP))
        frame += LOOK_EVERY
    return track


def looking(track: Track, partner: Track, twist: float = 0.0) -> Track:
    """The head turned to the partner where the person attends there, as far as a neck goes easily.

    With a `twist` (radians) the spine turns too, by at most so much, wherever the partner is.
    """
    body = track.body
    way = (partner.body.root - body.root)[:, (0, 2)]
    goal = np.arctan2(way[:, 0], way[:, 1])
    attends = 1.0 if twist else smoothstep(np.cos(goal - track.front), 0.2, 0.6)
    chest = body.rotations[:, PELVIS]
    for joint in _SPINE:
        chest = quat_multiply(chest, body.rotations[:, joint])
    forward = quat_apply(chest, np.array([0.0, 0.0, 1.0]))
    upright = smoothstep(np.hypot(forward[:, 0], forward[:, 2]), 0.6, 0.9)
    upright *= smoothstep(body.root[:, 1], 0.6, 0.7)
    angle = (goal - np.arctan2(forward[:, 0], forward[:, 2]) + np.pi) % (2 * np.pi) - np.pi
    spine = gaussian_smooth(np.clip(angle, -twist, twist) * upright, GLANCE_SMOOTHING, 0)
    neck = np.clip(angle - spine, -MOST_GLANCE, MOST_GLANCE) * attends * upright
    neck = gaussian_smooth(neck, GLANCE_SMOOTHING, 0)
    rotations = body.rotations.copy()
    for joints, turn in ((_SPINE, spine), ((NECK, HEAD), neck)):
        for joint in joints if turn.any() else ():
            rotations[:, joint] = quat_multiply(yaw_quat(turn / len(joints)), rotations[:, joint])
    return replace(track, body=Body(body.root, rotations))
