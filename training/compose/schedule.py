"""When everybody does what: beats, phrases on them, fills between, as two timelines of one length."""

from dataclasses import dataclass, replace

import numpy as np

from intermamba.motion.filters import smoothstep
from intermamba.motion.rotations import quat_slerp
from intermamba.motion.skeleton import ARMS, HEAD, NECK, SPINE1, SPINE2, SPINE3

from .body import FPS, Body
from .score import Cue, Person, Plan
from .sequence import BLEND, Item, Run, Track, at_times, chain, looped, mirrored, waiting
from .stock import Stock

# A clip has a multiple of so many steps from frame to frame, and at most so many.
STEP, MOST_FRAMES = 4, 300
# Fewer frames than this between two phrases are no waiting: the first one's last pose is held.
LEAST_WAIT = 6
# Frames about its event that no cut takes from a phrase.
KEPT = 6

_RIGHT_ARM, _LEFT_ARM = ARMS[1], ARMS[0]
PARTS = {
    "left_arm": _LEFT_ARM,
    "right_arm": _RIGHT_ARM,
    "arms": (*_LEFT_ARM, *_RIGHT_ARM),
    "upper": (SPINE1, SPINE2, SPINE3, NECK, HEAD, *_LEFT_ARM, *_RIGHT_ARM),
}


class Unfit(Exception):  # noqa: N818  (a draw that came out badly, not an error)
    """What was drawn does not go together; the first argument is the check that says so."""


@dataclass(frozen=True)
class Part:
    """An item and the frame of the timeline on which its first frame falls."""

    item: Item
    start: int
    cue: Cue

    @property
    def stop(self) -> int:
        """The frame after its last."""
        return self.start + self.item.frames


@dataclass(frozen=True)
class Timeline:
    """The two tracks, frames of the beats, and the phrases of each person as they lie on the track."""

    tracks: tuple[Track, Track]
    beats: dict[str, int]
    parts: tuple[tuple[Part, ...], tuple[Part, ...]]

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.tracks[0].body.frames


def timeline(plan: Plan, stock: Stock, rng: np.random.Generator) -> Timeline:
    """Both people's tracks for a plan with a place. Raises Unfit when the phrases drawn leave each other no time."""
    beats = _beats(plan, rng)
    people = (plan.first, plan.second)
    flips = [bool(rng.random() < 0.5) for _ in people]
    drawn: list[list[Part]] = [[], []]
    for k, person in enumerate(people):
        if not copies(person):
            drawn[k] = hung_parts(person, beats, stock, flips[k], rng)
            drawn[k] += _approach(person, drawn[k], beats, stock, flips[k], rng)
    shift, frames = _length(plan, beats, drawn, rng)
    beats = {name: frame + shift for name, frame in beats.items()} | {"start": 0, "end": frames - 1}
    tracks: list[Track] = []
    laid: list[tuple[Part, ...]] = []
    for k, person in enumerate(people):
        if k and copies(person):
            track, parts = _copied(tracks[0], laid[0], person, rng)
        else:
            hung = [replace(part, start=part.start + shift) for part in drawn[k]]
            hung += edge_parts(person, beats, stock, flips[k], rng)
            track, parts = _track(person, hung, frames, stock, rng)
        tracks.append(track)
        laid.append(parts)
    return Timeline((tracks[0], tracks[1]), beats, (laid[0], laid[1]))


def copies(person: Person) -> bool:
    """Whether the person does what the other does."""
    return person.mirror_of_first or person.copy_of_first


def _beats(plan: Plan, rng: np.random.Generator) -> dict[str, int]:
    """Frames of the beats, the first one's being 0; those of start and end are not known yet."""
    names = plan.beats()
    beats = {names[0]: 0} if names else {}
    waiting = [gap for gap in plan.gap if not {gap.start, gap.to} & {"start", "end"}]
    while waiting:
        for gap in [g for g in waiting if {g.start, g.to} & beats.keys()]:
            frames = round(gap.seconds.draw(rng) * FPS)
            if gap.start in beats:
                beats.setdefault(gap.to, beats[gap.start] + frames)
            else:
                beats[gap.start] = beats[gap.to] - frames
            waiting.remove(gap)
    return beats


def hung_parts(
    person: Person, beats: dict[str, int], stock: Stock, flip: bool, rng: np.random.Generator
) -> list[Part]:
    """The phrases of a person that hang on beats, in frames about the first beat."""
    parts: list[Part] = []
    for cue in person.phrases:
        if _on_edge(cue) or rng.random() >= cue.chance:
            continue
        for _ in range(round(cue.repeat.draw(rng))):
            delay = round(cue.delay.draw(rng) * FPS)
            hold = (beats[cue.until] - beats[cue.beat] - delay) / FPS if cue.until and cue.beat else 0.0
            item = stock.draw(cue, flip, rng, hold=max(hold, 0.0))
            follows = not cue.beat or (parts and parts[-1].cue is cue)
            if follows and parts:
                start = parts[-1].stop - BLEND + delay
            else:
                start = beats.get(cue.beat, 0) + delay
                if cue.until and item.loops:
                    start -= BLEND
                    frames = max(beats[cue.until] - start + BLEND, 2 * BLEND + 2)
                    item = looped(item, frames, int(rng.integers(max(item.frames - 1, 1))))
                else:
                    start -= item.event
            parts.append(Part(item, start, cue))
    return parts


def _on_edge(cue: Cue) -> bool:
    return cue.beat in ("start", "end") or cue.until in ("start", "end")


def edge_parts(
    person: Person, beats: dict[str, int], stock: Stock, flip: bool, rng: np.random.Generator
) -> list[Part]:
    """The phrases that begin with the clip, or end with it."""
    parts = []
    for cue in person.phrases:
        if not _on_edge(cue) or rng.random() >= cue.chance:
            continue
        item = stock.draw(cue, flip, rng)
        start = beats[cue.beat] if cue.beat else 0
        if cue.beat not in ("start", "end"):
            start -= BLEND // 2
        if cue.until and item.loops:
            stop = beats[cue.until] + (1 if cue.until == "end" else BLEND // 2)
            item = looped(item, max(stop - start, 2 * BLEND + 2), int(rng.integers(max(item.frames - 1, 1))))
        elif cue.beat == "end":
            start = beats["end"] + 1 - item.frames
        start += round(cue.delay.draw(rng) * FPS)
        parts.append(Part(item, start, cue))
    return parts


def _approach(
    person: Person,
    parts: list[Part],
    beats: dict[str, int],
    stock: Stock,
    flip: bool,
    rng: np.random.Generator,
) -> list[Part]:
    """The walk up to the first phrase, if this duet has one."""
    metres = person.approach.draw(rng)
    if metres <= 0.0 or rng.random() >= person.approach_chance:
        return []
    cue = Cue(("walk_approach",))
    item = stock.draw(cue, flip, rng)
    path = np.linalg.norm(np.diff(item.body.root[:, (0, 2)], axis=0), axis=-1)
    left = np.concatenate([np.cumsum(path[::-1])[::-1], [0.0]])
    item = item.slice(int(np.argmax(left <= metres)), item.frames)
    whole = [part for part in parts if not part.cue.over]
    first = min((part.start for part in whole), default=min(beats.values(), default=0))
    overlaid = min((part.start for part in parts), default=first)
    return [Part(item, min(first + BLEND, overlaid + BLEND) - item.frames, cue)]


def _length(
    plan: Plan, beats: dict[str, int], parts: list[list[Part]], rng: np.random.Generator
) -> tuple[int, int]:
    """By how many frames all is shifted, and the frames of the whole."""
    spans = [(part.start, part.stop) for some in parts for part in some]
    times = [*beats.values()]
    for touch in plan.touches:
        if touch.beat in beats:
            last = beats.get(touch.until or touch.beat, beats[touch.beat])
            times += [beats[touch.beat] + round((touch.start - touch.ramp[0]) * FPS)]
            times += [last + round((touch.to + touch.ramp[1]) * FPS)]
    first = min([s for s, _ in spans] + times, default=0)
    last = max([s for _, s in spans] + times, default=0)
    needed = last - first
    steps = int(np.clip(max(plan.seconds.draw(rng) * FPS, needed), STEP, MOST_FRAMES)) // STEP * STEP
    spare = steps + 1 - needed
    before = int(rng.integers(spare + 1)) if spare > 0 else spare // 2
    return before - first, steps + 1


def _track(
    person: Person, parts: list[Part], frames: int, stock: Stock, rng: np.random.Generator
) -> tuple[Track, tuple[Part, ...]]:
    """A person's whole timeline, phrases trimmed where they meet, with fills and overlays; and the phrases in it."""
    whole = _fitted(
        sorted((part for part in parts if not part.cue.over), key=lambda part: part.start), frames
    )
    fill = (person.fill[int(rng.integers(len(person.fill)))],)
    items: list[Item] = []
    starts: list[int] = []
    fills: list[bool] = []

    def wait(start: int, stop: int, after: Part | None) -> None:
        before = items[-1].pose[-1] if items else None
        later = after.item.pose[0] if after else None
        items.append(stock.fill(fill, stop - start, before, later, rng))
        starts.append(start)
        fills.append(True)

    end = 0
    for part in whole:
        if part.start > 0 and not items:
            wait(min(0, part.start - BLEND), part.start + BLEND, part)
        elif items and part.start > end - BLEND:
            wait(end - BLEND, part.start + BLEND, part)
        items.append(part.item)
        starts.append(part.start)
        fills.append(False)
        end = part.stop
    if end < frames or not items:
        wait(end - BLEND if items else 0, max(frames, end + BLEND), None)
    track = chain(items, [start - starts[0] for start in starts], fills, stock.rest)
    track = track.slice(-starts[0], frames - starts[0])
    for part in parts:
        if part.cue.over:
            track = overlaid(track, part.item, part.start, part.cue.over)
    return track, (*whole, *(part for part in parts if part.cue.over))


def _fitted(parts: list[Part], frames: int) -> list[Part]:
    """Phrases cut so that neighbours overlap by BLEND frames where they would by more, and held where nearly so."""
    parts = [part for part in parts if part.stop > BLEND and part.start < frames - BLEND // 2]
    parts = [_lying_on(part, frames) if k + 1 == len(parts) else part for k, part in enumerate(parts)]
    if parts and parts[0].start > 0 and parts[0].item.low(0):
        parts[0] = Part(waiting(parts[0].item, parts[0].start, 0), 0, parts[0].cue)
    for k in range(len(parts) - 1):
        a, b = _lying_on(parts[k], parts[k + 1].start + BLEND), parts[k + 1]
        over = a.stop - b.start - BLEND
        if over > 0:
            tail = min(over, max(a.item.frames - a.item.event - KEPT, 0))
            head = over - tail
            if head > max(b.item.event - KEPT, 0) or a.item.frames - tail < BLEND + 2:
                raise Unfit("timing")
            a = replace(a, item=a.item.slice(0, a.item.frames - tail))
            b = Part(b.item.slice(head, b.item.frames), b.start + head, b.cue)
        elif over > -(BLEND + LEAST_WAIT):
            a = replace(a, item=a.item.at(np.arange(a.item.frames - over, dtype=float), a.item.event))
        if b.item.frames < BLEND + 2:
            raise Unfit("timing")
        parts[k], parts[k + 1] = a, b
    return parts


def _lying_on(part: Part, until: int) -> Part:
    """The part, its last pose held until a frame if the person does not stand in it."""
    more = until - part.stop
    if more > 0 and part.item.low(-1):
        return replace(part, item=waiting(part.item, 0, more))
    return part


def overlaid(track: Track, item: Item, start: int, over: str) -> Track:
    """The track with one part of the body doing `item` from frame `start` on, blended in and out."""
    first, last = max(start, 0), min(start + item.frames, track.body.frames)
    if last - first < 4:
        return track
    ramp = min(BLEND, (last - first) // 2)
    t = np.arange(first, last)
    into = smoothstep((t - first + 1.0) / ramp, 0.0, 1.0) if start > 0 else np.ones(len(t))
    out = (
        smoothstep((last - t) / ramp, 0.0, 1.0)
        if start + item.frames < track.body.frames
        else np.ones(len(t))
    )
    joints = list(PARTS[over])
    rotations = track.body.rotations.copy()
    there = item.body.rotations[first - start : last - start][:, joints]
    rotations[first:last, joints] = quat_slerp(rotations[first:last, joints], there, (into * out)[:, None])
    return replace(track, body=Body(track.body.root, rotations))


def _copied(
    track: Track, parts: tuple[Part, ...], person: Person, rng: np.random.Generator
) -> tuple[Track, tuple[Part, ...]]:
    """The other's track a little later, in the mirror or not."""
    delay = person.delay.draw(rng) * FPS
    t = np.arange(track.body.frames)
    times = t - delay * smoothstep(t.astype(float), 0.0, 2.0 * delay + 6.0)
    at = np.rint(times).astype(int)
    runs = []
    for run in track.runs:
        start, stop, a, b = (int(np.searchsorted(times, x)) for x in (run.start, run.stop, *run.clean))
        if stop - start > 1 and b > a:
            runs.append(Run(run.foot, start, stop, (a, b)))
    copy = Track(at_times(track.body, times), track.front[at], tuple(runs), track.filling[at])
    later = tuple(replace(part, start=part.start + round(delay)) for part in parts)
    return (mirrored(copy) if person.mirror_of_first else copy), later
