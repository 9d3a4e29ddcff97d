"""One duet of a score: people drawn and timed, placed, feet and touches made real, checked, captioned."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np

from intermamba.errors import IntermambaError
from intermamba.motion.adjust import reach
from intermamba.motion.body_points import BODY_POINTS, HAND, body_point
from intermamba.motion.collide import push_out
from intermamba.motion.filters import smoothstep
from intermamba.motion.kinematics import fit_rotations, fk
from intermamba.motion.skeleton import PELVIS
from intermamba.motion.touch import Touch, keep_touches
from training.data.clips import Clip, Segment

from .body import FPS
from .captions import fill_captions
from .checks import check
from .gait import walk_together
from .library import Library
from .plants import plant
from .schedule import Timeline, Unfit, timeline
from .score import SIDES_OF, Contact, Oscillation, Plan, Score, load_scores
from .staging import faced, placed
from .stock import Stock

CAPTIONS = 60  # of one duet, out of some 150 templates


@dataclass(frozen=True)
class Duet:
    """Two people: joints (2, T, 22, 3), rotations (2, T, 22, 4), rest (22, 3), float32; what they do, and when."""

    interaction: str
    joints: np.ndarray
    rotations: np.ndarray
    rest: np.ndarray
    core: tuple[int, int]
    captions: tuple[str, ...]
    variant: int = 0
    """See training.data.clips.Clip."""

    def clip(self, name: str) -> Clip:
        """The duet as training has it."""
        return Clip(
            id=name,
            joints=self.joints,
            rotations=self.rotations,
            rest=np.stack([self.rest, self.rest]),
            good=np.ones(self.joints.shape[1], bool),
            captions=(),
            interaction=self.interaction,
            variant=self.variant,
            segments=(Segment(*self.core, self.captions),),
        )


@dataclass(frozen=True)
class Rejection:
    """A draw that failed: the interaction, the check, and what it found."""

    interaction: str
    check: str
    why: str = ""


_STOCKS: WeakKeyDictionary[Library, dict[bool, Stock]] = WeakKeyDictionary()


def _stock(library: Library, held_out: bool) -> Stock:
    stocks = _STOCKS.setdefault(library, {})
    if held_out not in stocks:
        stocks[held_out] = Stock(library, held_out=held_out)
    return stocks[held_out]


def compose(
    score: Score, library: Library, rng: np.random.Generator, *, held_out: bool = False
) -> Duet | Rejection:
    """Draw one duet of a score; `held_out` takes the clips and the phrasings that training never sees."""
    plan = score.draw(rng)
    if plan.real:
        raise IntermambaError(f"{plan.name} comes from real duets alone: leave its score out.")
    stock = _stock(library, held_out)
    try:
        made = _compose(plan, stock, rng)
        return replace(made, variant=score.variant(plan)) if isinstance(made, Duet) else made
    except Unfit as unfit:
        return Rejection(plan.name, str(unfit.args[0]))


def _compose(plan: Plan, stock: Stock, rng: np.random.Generator) -> Duet | Rejection:
    line = walk_together(plan, stock, rng) if plan.walk else timeline(plan, stock, rng)
    contacts = [contact for contact in plan.touches if rng.random() < contact.chance]
    touches = [_touch(contact, line, rng) for contact in contacts]
    if plan.place:
        line = placed(line, plan, touches, stock.rest, rng)
    line = faced(line, plan)
    bodies = [track.body for track in line.tracks]
    loose = np.stack([body.joints(stock.rest) for body in bodies])
    joints = np.stack([plant(one, track.runs) for one, track in zip(loose, line.tracks, strict=True)])
    joints = _touched(joints, contacts, touches, rng)
    joints = push_out(joints, touches)
    joints, rotations = _on_bones(joints, np.stack([body.rotations for body in bodies]), stock.rest)
    failure = check(joints, touches, [contact.pat is not None for contact in contacts], plan.name)
    if failure:
        return Rejection(plan.name, *failure)
    return Duet(
        plan.name,
        joints.astype(np.float32),
        rotations.astype(np.float32),
        stock.rest.astype(np.float32),
        _core(plan, line, touches),
        fill_captions(plan, rng, CAPTIONS, unseen=stock.held_out),
    )


def _touch(contact: Contact, line: Timeline, rng: np.random.Generator) -> Touch:
    """A contact on the frames that its beats turned out to be on."""
    start = line.beats[contact.beat] + round(contact.start * FPS)
    stop = line.beats[contact.until or contact.beat] + round(contact.to * FPS) + 1
    start, stop = max(start, 0), min(stop, line.frames)
    if stop <= start:
        raise Unfit("timing")
    if contact.share is not None:
        share = contact.share.draw(rng)
    else:
        share = 0.5 if contact.point.endswith("hand") and contact.on.endswith("hand") else 0.0
    ramp = round(contact.ramp[0] * FPS), round(contact.ramp[1] * FPS)
    person = 0 if contact.who == "first" else 1
    on, aside = SIDES_OF.get(contact.on, (contact.on, (0.0, 0.0, 0.0)))
    left, up, forward = (float(a + b) for a, b in zip(contact.offset, aside, strict=True))
    gap = contact.gap.draw(rng)
    out, high, ahead = contact.elbow
    return Touch(
        person, contact.point, on, start, stop, ramp, share, gap, (left, up, forward), (out, high, ahead)
    )


def _touched(
    joints: np.ndarray, contacts: Sequence[Contact], touches: Sequence[Touch], rng: np.random.Generator
) -> np.ndarray:
    """Joints whose touches are real, shaking and patting where the score has it."""
    if not touches:
        return joints
    joints = keep_touches(joints, touches)
    for contact, touch in zip(contacts, touches, strict=True):
        if contact.shake:
            wave = _wave(contact.shake, touch, joints.shape[1], rng, rises=False)
            for person, point in ((touch.person, touch.point), (1 - touch.person, touch.on)):
                _move_tip(joints[person], point, wave)
        if contact.pat:
            _move_tip(
                joints[touch.person], touch.point, _wave(contact.pat, touch, joints.shape[1], rng, rises=True)
            )
    return joints


def _wave(
    swing: Oscillation, touch: Touch, frames: int, rng: np.random.Generator, *, rises: bool
) -> np.ndarray:
    """Metres (T,) up and down in the time of a touch; from 0 up and back when it `rises`."""
    t = np.arange(frames, dtype=float)
    phase = 2.0 * np.pi * swing.rate.draw(rng) * (t - touch.start) / FPS
    shape = 0.5 - 0.5 * np.cos(phase) if rises else 0.5 * np.sin(phase)
    weight = smoothstep(t, touch.start - 1.0, touch.start + 5.0) * smoothstep(
        t, touch.stop + 0.0, touch.stop - 6.0
    )
    return swing.height.draw(rng) * shape * weight


def _move_tip(joints: np.ndarray, point: str, up: np.ndarray) -> None:
    limb = BODY_POINTS[point].limb
    if limb:
        reach(joints, limb, body_point(joints, point) + up[:, None] * [0.0, 1.0, 0.0], tip=HAND)


def _on_bones(joints: np.ndarray, hint: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joints and rotations of the skeleton that say the same: bones as in `rest`, twists those of `hint`."""
    rotations = fit_rotations(joints, np.stack([rest, rest]), hint)
    return fk(rotations, joints[..., PELVIS, :], rest), rotations


def _core(plan: Plan, line: Timeline, touches: Sequence[Touch]) -> tuple[int, int]:
    """Frames in which what the captions say happens."""
    last = line.frames
    inner = sorted(frame for name, frame in line.beats.items() if name not in ("start", "end"))
    if not plan.core.start and (plan.walk is not None or not inner):
        return 0, last
    start = line.beats[plan.core.start] if plan.core.start else inner[0]
    stop = line.beats[plan.core.until or plan.core.start] if plan.core.start else inner[-1]
    first = start - round(plan.core.before * FPS) if plan.core.start != "start" else 0
    stop = stop + round(plan.core.after * FPS)
    if not plan.core.start:
        first = min([first] + [touch.start for touch in touches])
        stop = max([stop] + [touch.stop for touch in touches])
    first, stop = max(first, 0), min(stop, last)
    if stop - first < 2:
        raise Unfit("timing")
    return first, stop


__all__ = ["Duet", "Rejection", "compose", "load_scores"]
