"""Two people's captures become a motion file: `python -m training.data.import_motion A B -o OUT.npz [--caption TEXT]`.

A and B are BVH or AMC files of one recording: one clock, one world. The skeleton of `18_01.amc` is `18.asf` beside it,
or given with --asf. With captions, OUT.npz is also entered in captions.jsonl beside it: that folder can be trained on.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from intermamba.errors import IntermambaError, MotionFileError
from intermamba.files import atomic_write
from intermamba.motion.adjust import reach
from intermamba.motion.asf import FPS as AMC_FPS
from intermamba.motion.asf import read_amc, read_asf
from intermamba.motion.bvh import read_bvh
from intermamba.motion.captured import Captured
from intermamba.motion.features import foot_contacts
from intermamba.motion.kinematics import fit_rotations, fk, global_rotations, measure_rest
from intermamba.motion.metrics import pelvis_distance
from intermamba.motion.motion import Motion, resample, save_motion
from intermamba.motion.placement import place_pair
from intermamba.motion.rotations import (
    quat_angle,
    quat_apply,
    quat_from_axis_angle,
    quat_inverse,
    quat_multiply,
)
from intermamba.motion.skeleton import (
    ARMS,
    CHEST_GROUP,
    L_ANKLE,
    L_FOOT,
    L_HIP,
    L_KNEE,
    L_SHOULDER,
    LEGS,
    NECK,
    PARENTS,
    PELVIS,
    PELVIS_GROUP,
    R_FOOT,
    R_SHOULDER,
    SPINE3,
)

from .clips import FPS
from .mapping import find_joints, place_joints, restore_lost_bones

# Metres per unit that BVH files come in: metres, centimetres, CMU's (an inch / 0.45), inches, millimetres.
UNITS = (1.0, 0.01, 0.0254 / 0.45, 0.0254, 0.001)
LEG = (0.68, 1.1)  # metres from hip to ankle, of grown people
MOST_DIFFERENT = 0.1  # of their frames, by which two files of one recording may differ
# A pose at the start is the skeleton's own rest, not captured, when the root is turned by less than the first angle
# and every joint by less than the second: the CMU conversions begin with one, legs 21 degrees closer.
RESTING = np.radians(0.5), np.radians(25.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Import two files; gives the exit code."""
    options = _parser().parse_args(arguments)
    try:
        clips = [
            read_capture(path, asf, options.unit, options.fps)
            for path, asf in zip(options.files, options.asf or (None, None), strict=True)
        ]
        motion = import_pair(clips[0], clips[1], skip=options.skip, up=options.up)
        motion = replace(motion, prompt=options.caption[0] if options.caption else "")
        save_motion(options.out, motion)
        if options.caption:
            add_captions(options.out, options.caption)
    except IntermambaError as error:
        print(f"import: {error}", file=sys.stderr)
        return 1
    print(f"{options.out}: {_summary(motion)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="training.data.import_motion", description=__doc__)
    parser.add_argument(
        "files", type=Path, nargs=2, metavar="FILE", help="person A's and person B's .bvh or .amc"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, help="motion file (.npz) to write")
    parser.add_argument("--caption", action="append", help="what happens; may be given several times")
    parser.add_argument("--asf", type=Path, nargs=2, metavar="ASF", help="the skeletons of two .amc files")
    parser.add_argument(
        "--unit", type=_positive, help="metres per unit of length (default: ASF's own, BVH by leg length)"
    )
    parser.add_argument(
        "--fps", type=_positive, help="frames a second of the files (default: BVH's own, 120 for AMC)"
    )
    parser.add_argument("--skip", type=int, default=0, help="more frames to leave out at the start of both")
    parser.add_argument("--up", choices=("y", "z"), default="y", help="which axis points up in the files")
    return parser


def _positive(word: str) -> float:
    number = float(word)
    if not 0.0 < number < np.inf:
        raise ValueError
    return number


def read_capture(
    path: Path, asf: Path | None = None, unit: float | None = None, fps: float | None = None
) -> Captured:
    """One person's capture, lengths in metres. Raises IntermambaError naming the file."""
    kind = path.suffix.lower()
    if kind == ".amc":
        asf = asf or path.with_name(path.stem.split("_")[0] + ".asf")
        clip = read_amc(path, read_asf(asf, unit), fps or AMC_FPS)
        _leg(path, clip)
        return clip
    if kind != ".bvh":
        raise MotionFileError(f"{path} is neither .bvh nor .amc: export it as one of these.")
    clip = restore_lost_bones(read_bvh(path, metres_per_unit=1.0, ends=True))
    leg = _leg(path, clip)
    unit = unit or _guess_unit(path, leg)
    return replace(clip, offsets=clip.offsets * unit, root=clip.root * unit, fps=fps or clip.fps)


def import_pair(first: Captured, second: Captured, *, skip: int = 0, up: str = "y") -> Motion:
    """Both people of one recording at 30 fps, placed as one: the first starts at x = z = 0 and faces +Z.

    Frames at the start in which nothing is captured yet are left out, with `skip` more. Raises IntermambaError when
    the two do not have one clock.
    """
    if abs(first.fps - second.fps) > 0.01:
        raise IntermambaError(
            f"The files have {first.fps:g} and {second.fps:g} frames a second: give the right rate with --fps."
        )
    skip = max(skip, 0) + max(_resting(first), _resting(second))
    counts = len(first.root), len(second.root)
    if max(counts) - min(counts) > MOST_DIFFERENT * max(counts):
        raise IntermambaError(
            f"The files have {counts[0]} and {counts[1]} frames: they are not one recording."
        )
    if min(counts) - skip < 2.0 * first.fps / FPS:
        raise IntermambaError(
            f"The files have {min(counts)} frames, {skip} of them to skip: nothing is left."
        )
    people = [_person(_cut(clip, skip, min(counts)), up) for clip in (first, second)]
    joints, rotations, rest = (np.stack(arrays) for arrays in zip(*people, strict=True))
    joints, rotations = place_pair(joints, rotations)
    rotations, root, rest = (a.astype(np.float32) for a in (rotations, joints[:, :, PELVIS], rest))
    motion = Motion(
        joints=fk(rotations, root, rest[:, None]),
        rotations=rotations,
        root=root,
        rest=rest,
        contacts=np.zeros((*root.shape[:2], 4), np.float32),
        fps=first.fps,
        model="capture",
    )
    motion = resample(motion, FPS)
    contacts = foot_contacts(motion.joints)
    return replace(motion, contacts=np.concatenate([contacts, contacts[:, -1:]], axis=1))


def add_captions(out: Path, captions: Sequence[str]) -> None:
    """Enter a motion file in captions.jsonl beside it, in place of an older entry of its name."""
    path = out.with_name("captions.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    try:
        lines = [line for line in lines if line.strip() and json.loads(line).get("id") != out.stem]
    except (ValueError, AttributeError) as error:
        raise IntermambaError(f"{path} has a line that is not JSON ({error}): repair it first.") from error
    lines.append(json.dumps({"id": out.stem, "captions": list(captions)}, ensure_ascii=False))
    with atomic_write(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _leg(path: Path, clip: Captured) -> float:
    """Length of the left leg. Raises MotionFileError for a skeleton that cannot be ours."""
    try:
        _, rest, _ = place_joints(_cut(clip, 0, 1), find_joints(clip))
    except IntermambaError as error:
        raise MotionFileError(f"{path}: {error}.") from error
    return float(np.linalg.norm(rest[L_KNEE] - rest[L_HIP]) + np.linalg.norm(rest[L_ANKLE] - rest[L_KNEE]))


def _guess_unit(path: Path, leg: float) -> float:
    """Metres per unit, by the length of a leg in units."""
    for unit in UNITS:
        if LEG[0] < leg * unit < LEG[1]:
            return unit
    raise MotionFileError(f"{path} has legs of {leg:g} units: say with --unit how many metres one is.")


def _resting(clip: Captured) -> int:
    """How many frames at the start show the skeleton's own rest pose."""
    angle = quat_angle(clip.rotations, np.array([1.0, 0.0, 0.0, 0.0]))
    rests = (angle[:, 0] < RESTING[0]) & (angle.max(axis=1) < RESTING[1])
    return int(np.argmin(np.append(rests, False)))


def _cut(clip: Captured, start: int, stop: int) -> Captured:
    travel = {joint: places[start:stop] for joint, places in clip.travel.items()}
    return replace(clip, rotations=clip.rotations[start:stop], root=clip.root[start:stop], travel=travel)


def _person(clip: Captured, up: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Joints (T,22,3), local rotations (T,22,4) and rest (22,3) of a capture, Y up, on our body.

    The bones have the capture's lengths and twist. Our trunk bends at fewer places, so spine and shoulders are not
    exactly where they were captured; ankles, toes and wrists are.
    """
    joints, pose, turns = place_joints(clip, find_joints(clip))
    if up == "z":
        tilt = quat_from_axis_angle(np.array([1.0, 0.0, 0.0]), -np.pi / 2)
        joints, pose = quat_apply(tilt, joints), quat_apply(tilt, pose)
        turns = quat_multiply(quat_multiply(tilt, turns), quat_inverse(tilt))
    _stiffen(joints, turns)
    rest = measure_rest(joints)
    hint = _twist(pose, turns, rest) if _stands(pose) else None
    ours = fk(fit_rotations(joints, rest, hint), joints[:, PELVIS], rest)
    for limb in (*LEGS, *ARMS):
        reach(ours, limb, joints[:, limb[-1]], tip=0.0)
    rotations = fit_rotations(ours, rest, hint)
    return fk(rotations, ours[:, PELVIS], rest), rotations, rest


def _stiffen(joints: np.ndarray, turns: np.ndarray) -> None:
    """Fix to pelvis and chest what is fixed there on our body, where it is on average: joints (T,22,3), in place.

    So pelvis and chest turn as captured; the bones beyond make up for it.
    """
    for middle, group in ((PELVIS, PELVIS_GROUP), (SPINE3, CHEST_GROUP)):
        spin, origin = turns[:, middle, None], joints[:, middle, None]
        mean = quat_apply(quat_inverse(spin), joints[:, group] - origin).mean(axis=0)
        joints[:, group] = origin + quat_apply(spin, mean)


def _stands(pose: np.ndarray) -> bool:
    """Whether joints (22,3) at rest are a body that can stand: some files have all bones along one axis there."""
    neck, pelvis, ankle = (pose[k, 1] for k in (NECK, PELVIS, L_ANKLE))
    return bool(
        neck > pelvis > ankle and np.linalg.norm(pose[L_SHOULDER] - pose[R_SHOULDER]) > 0.1 * (neck - ankle)
    )


def _twist(pose: np.ndarray, turns: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Local rotations (T,22,4) that turn our body as the bones turn (T,22,4) from their rest, joints (22,3)."""
    straight = np.broadcast_to([1.0, 0.0, 0.0, 0.0], (1, len(pose), 4))
    start = global_rotations(fit_rotations(pose[None], rest, straight))[0]
    spins = quat_multiply(turns, start)
    local = spins.copy()
    local[:, 1:] = quat_multiply(quat_inverse(spins[:, PARENTS[1:]]), spins[:, 1:])
    return local


def _summary(motion: Motion) -> str:
    apart = pelvis_distance(motion.joints)
    feet = motion.joints[..., (L_FOOT, R_FOOT), 1].min(axis=(1, 2))
    return (
        f"{motion.frames} frames ({motion.frames / motion.fps:.1f} s); pelvises {np.min(apart):.2f} to "
        f"{np.max(apart):.2f} m apart; lowest foot {feet[0]:.3f} and {feet[1]:.3f} m"
    )


if __name__ == "__main__":
    sys.exit(main())
