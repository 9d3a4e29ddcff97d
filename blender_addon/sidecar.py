"""NAME.json beside exported clips: what an engine needs to line two people up, and how the motion was made."""

import json
from typing import Any

import numpy as np

from intermamba import __version__
from intermamba.motion.features import CONTACT_SPEED_SQUARED, foot_contacts
from intermamba.motion.find_touches import find_touches
from intermamba.motion.skeleton import FEET, JOINT_NAMES
from intermamba.retarget.root_motion import offset_of
from intermamba.retarget.transfer import Z_UP

from .actions import PREFIX
from .bake import SYNC_BONE, Performance
from .export_presets import Options
from .placing import playing

FORMAT = 1
UNITS = "metres and degrees; Y is up, a person faces +Z and has +X to the left; turns are about Y"


def describe(
    name: str,
    files: list[str],
    clips: list[Performance],
    framed: list[Performance],
    options: Options,
    fps: float,
) -> dict[str, Any]:
    """What NAME.json says about clips in the scene and, `framed`, in their files. `files` are their names.

    offset: where B's ground frame is at the start, seen from A's. path: where each ground frame is in every frame,
    seen from A's first one, [x, z, turn]. contacts: hands and feet on the other, and feet on the floor, from frame
    `start` up to, without, `stop`; null where the rigs lack joints to tell.
    """
    action = playing(clips[0].ob).action
    facts = {key: action.get(PREFIX + key) for key in ("prompt", "seed", "model", "version")}
    settings = json.loads(action.get(PREFIX + "settings", "{}"))
    start = clips[0].ground[0]
    sheet: dict[str, Any] = {
        "format": f"intermamba-clip {FORMAT}",
        "written_by": f"InterMamba {__version__}",
        "name": name,
        "files": files,
        "fps": round(fps, 6),
        "frames": len(clips[0].pose),
        "units": UNITS,
        "root_motion": options.root,
        "origin": options.origin,
        **facts,
        "licence": settings.get("licence", ""),
        "people": [_person(one, ground) for one, ground in zip(framed, clips, strict=True)],
    }
    for person, clip in zip(sheet["people"], clips, strict=True):
        person["path"] = [_row(*offset_of(start, ground)) for ground in clip.ground]
    if len(clips) == 2:
        sheet["offset"] = _place(*offset_of(start, clips[1].ground[0]))
    sheet["contacts"] = _contacts(clips, fps)
    return sheet


def _person(framed: Performance, clip: Performance) -> dict[str, Any]:
    bones = set(framed.names) - set(clip.names)
    top = framed.names[framed.top]
    return {
        "role": clip.person,
        "armature": clip.ob.name,
        "hips": framed.hips,
        "root_bone": top if top != framed.hips else None,
        "sync_bone": next((name for name in bones if name.startswith(SYNC_BONE)), None),
        "start": _place(*offset_of(np.eye(4), framed.ground[0])),
    }


def _place(position: np.ndarray, turn: float) -> dict[str, Any]:
    return {"position": (np.round(position @ Z_UP, 5) + 0.0).tolist(), "turn": round(turn, 4) + 0.0}


def _row(position: np.ndarray, turn: float) -> list[float]:
    x, _, z = position @ Z_UP
    return [round(float(value), 4) + 0.0 for value in (x, z, turn)]  # no -0.0


def _contacts(clips: list[Performance], fps: float) -> list[dict[str, Any]] | None:
    if len(clips) < 2 or any(clip.joints is None for clip in clips):
        return None
    joints = np.array([clip.joints for clip in clips])
    spans: list[dict[str, Any]] = [
        {
            "person": clips[touch.person].person,
            "part": touch.point,
            "on": clips[1 - touch.person].person,
            "other_part": touch.on,
            "start": int(touch.start),
            "stop": int(touch.stop),
        }
        for touch in find_touches(joints, fps)
    ]
    slow = CONTACT_SPEED_SQUARED * (30.0 / fps) ** 2
    for clip, contacts in zip(clips, foot_contacts(joints, slow), strict=True):
        for joint, planted in zip(FEET, contacts.T, strict=True):
            edges = np.flatnonzero(np.diff(np.concatenate([[0], planted, [0]])))
            spans += [
                {
                    "person": clip.person,
                    "part": JOINT_NAMES[joint],
                    "on": "floor",
                    "start": int(a),
                    "stop": int(b),
                }
                for a, b in edges.reshape(-1, 2)
            ]
    return spans
