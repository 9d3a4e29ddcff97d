"""Phrases: named cuts of single-person clips, all on one skeleton, ready to be composed.

A clip "<source>/<id>" is `<folder>/<source>/single/<id>.npz` or `<folder>/<source>/<id>.npz`: joints (1, T, 22, 3) in
metres, Y up, floor at 0, 30 frames a second. actions.toml says which cut of which clip shows which action; its head
documents the keys.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from intermamba.bundles.bundle import load_bundle
from intermamba.errors import IntermambaError
from intermamba.files import atomic_write
from intermamba.motion.placement import facing
from intermamba.motion.skeleton import JOINTS, PELVIS

from .body import FPS, Body
from .events import find_event, points
from .feet import stand_feet
from .loops import close_loop, closed
from .resize import onto_rest

ACTIONS_FILE = Path(__file__).with_name("actions.toml")
_KEYS = frozenset({"clip", "start", "stop", "then", "event", "side", "loops", "held_out", "toward"})
_PART_KEYS = frozenset({"clip", "start", "stop"})
_MARGIN = 15  # frames about a cut that say how its feet come and go
_SETTLE = 8  # frames in which two cuts of different clips become one
_SIDES = ("left", "right")
_QUATERNION_STEPS = 32767.0  # what a packed quaternion's numbers are multiplied by
_COLUMNS = ("action", "clip", "event", "held_out", "loops", "side", "aimed")  # of a packed library


@dataclass(frozen=True)
class Phrase:
    """One action of one person. Its body starts at x = z = 0; +Z is where the person attends (see body.py)."""

    action: str
    clip: str
    body: Body
    event: int
    """The frame that matters: an impact, the highest or lowest point; the middle where nothing does."""
    held_out: bool
    loops: bool
    """The last pose is the first again, further on: `body.repeated` goes on for as long as one likes."""
    side: str | None
    """The limb or the direction of it, "left" or "right", or None."""
    aimed: bool = False
    """+Z is where the action goes (`toward`), whichever way the body turns meanwhile."""

    def mirrored(self) -> "Phrase":
        """The same with left and right exchanged."""
        side = {"left": "right", "right": "left", None: None}[self.side]
        return replace(self, body=self.body.mirrored(), side=side)


class Library:
    """Phrases by action, with the skeleton `rest` (22, 3) that they are on."""

    def __init__(self, phrases: Iterable[Phrase], rest: np.ndarray) -> None:
        self.rest = rest
        self.all = tuple(phrases)

    def actions(self) -> list[str]:
        """Names of the actions, sorted."""
        return sorted({phrase.action for phrase in self.all})

    def phrases(self, action: str, *, held_out: bool) -> list[Phrase]:
        """The phrases of an action that are held out, or that are not.

        An action with too few phrases to keep any back has the same ones for both.
        """
        known = [phrase for phrase in self.all if phrase.action == action]
        if not known:
            raise IntermambaError(
                f"There is no action {action!r}; actions.toml has {', '.join(self.actions())}."
            )
        return [phrase for phrase in known if phrase.held_out == held_out] or known


def load_library(
    folders: str | Path | Iterable[str | Path],
    actions_file: str | Path = ACTIONS_FILE,
    rest: np.ndarray | None = None,
) -> Library:
    """Cut the phrases of `actions_file` from the clips in `folders`; `rest` (22, 3) is the bundled model's by default.

    Raises IntermambaError that names the file and the key when an entry or a clip is wrong.
    """
    folders = [Path(folders)] if isinstance(folders, str | Path) else [Path(folder) for folder in folders]
    rest = (load_bundle().rest if rest is None else rest).astype(float)
    clips = _Clips(folders, rest)
    return Library((_cut(clips, *entry) for entry in _entries(Path(actions_file))), rest)


class _Clips:
    """The clips of some folders on one skeleton, each converted when it is first asked for."""

    def __init__(self, folders: list[Path], rest: np.ndarray) -> None:
        self.folders, self.rest = folders, rest
        self._bodies: dict[str, Body] = {}

    def body(self, name: str, where: str) -> Body:
        if name not in self._bodies:
            self._bodies[name] = onto_rest(_read_clip(self.folders, name, where), self.rest)
        return self._bodies[name]


def _entries(path: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Every entry of an actions file: where it stands, for messages; its action; its keys."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise IntermambaError(f"Cannot read {path}: {error.strerror or error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise IntermambaError(f"{path} is not TOML: {error}.") from error
    found = []
    for action, entries in table.items():
        if not isinstance(entries, list):
            raise IntermambaError(f"{path}: {action} must be a list of cuts: write [[{action}]].")
        for number, entry in enumerate(entries, 1):
            where = f"{path}, {action} number {number}"
            _check_keys(where, entry)
            found.append((where, action, entry))
    if not found:
        raise IntermambaError(f"{path} names no action.")
    return found


def _check_keys(where: str, entry: Any, known: frozenset[str] = _KEYS) -> None:
    if not isinstance(entry, dict) or not isinstance(entry.get("clip"), str):
        raise IntermambaError(f'{where} needs `clip = "<source>/<id>"`.')
    if unknown := sorted(entry.keys() - known):
        raise IntermambaError(
            f"{where}: unknown key {unknown[0]!r}; the keys are {', '.join(sorted(known))}."
        )
    if entry.get("side") not in (None, *_SIDES):
        raise IntermambaError(f'{where}: `side` must be "left" or "right", not {entry["side"]!r}.')
    for key, kinds in {"start": (int, float), "stop": (int, float), "event": (int, float, str)}.items():
        if key in entry and (not isinstance(entry[key], kinds) or isinstance(entry[key], bool)):
            raise IntermambaError(f"{where}: `{key}` must be a number of seconds, not {entry[key]!r}.")
    if not isinstance(entry.get("then", []), list):
        raise IntermambaError(f"{where}: `then` must be a list of cuts, [{{ clip = ... }}].")
    for part in entry.get("then", []):
        _check_keys(f"{where}, then", part, _PART_KEYS)
    for key in ("loops", "held_out"):
        if not isinstance(entry.get(key, False), bool):
            raise IntermambaError(f"{where}: `{key}` must be true or false, not {entry[key]!r}.")


def _read_clip(folders: list[Path], name: str, where: str) -> np.ndarray:
    """Joints (T, 22, 3) of the clip called "<source>/<id>"."""
    source, _, clip = name.rpartition("/")
    paths = [folder / source / middle / f"{clip}.npz" for folder in folders for middle in ("single", "")]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise IntermambaError(f"{where}: clip {name!r} is not in {', '.join(map(str, folders))}.")
    try:
        with np.load(path, allow_pickle=False) as file:
            joints, fps = file["joints"], float(file["fps"]) if "fps" in file else FPS
    except (OSError, ValueError, KeyError) as error:
        raise IntermambaError(f"{path} cannot be read as a motion file ({error}).") from error
    if joints.ndim != 4 or joints.shape[0] != 1 or joints.shape[2:] != (JOINTS, 3) or not joints.shape[1]:
        raise IntermambaError(f"{path}: `joints` must be (1, frames, 22, 3), one person, not {joints.shape}.")
    if not np.isfinite(joints).all():
        raise IntermambaError(f"{path}: `joints` holds values that are not numbers.")
    if abs(fps - FPS) > 0.01:
        raise IntermambaError(f"{path} has {fps:g} frames a second; resample it to {FPS:g} first.")
    return joints[0].astype(float)


def _cut(clips: _Clips, where: str, action: str, entry: dict[str, Any]) -> Phrase:
    """The phrase that an entry of the actions file names."""
    rest, loops = clips.rest, entry.get("loops", False)
    clip, start, stop = _span(clips, where, entry)
    for part in entry.get("then", []):
        after, begin, end = _span(clips, f"{where}, then", part)
        clip = clip.slice(0, stop).then(after.slice(begin, end), _SETTLE)
        stop = clip.frames
    try:
        body = _loop(clip, start, stop, rest) if loops else _with_feet(clip, start, stop, rest)
        event = _event(entry, start, body.joints(rest))
        body = _placed(body, event, entry.get("toward"), rest)
    except IntermambaError as error:
        raise IntermambaError(f"{where}: {error}") from error
    held_out, aimed = entry.get("held_out", False), "toward" in entry
    return Phrase(action, entry["clip"], body, event, held_out, loops, entry.get("side"), aimed)


def _span(clips: _Clips, where: str, entry: dict[str, Any]) -> tuple[Body, int, int]:
    """The whole clip that an entry names, and the frames at which its cut begins and ends."""
    clip = clips.body(entry["clip"], where)
    start = round(entry.get("start", 0.0) * FPS)
    stop = round(entry.get("stop", clip.frames / FPS) * FPS)
    if not 0 <= start < stop - 1 < clip.frames:
        raise IntermambaError(
            f"{where}: `start` and `stop` must lie within 0 and {clip.frames / FPS:.2f} s of {entry['clip']}."
        )
    return clip, start, stop


def _loop(clip: Body, start: int, stop: int, rest: np.ndarray) -> Body:
    """A loop from frame `start` to about `stop`, whose feet stand when it goes on, too."""
    loop = close_loop(clip, start, stop, rest)
    turn = loop.frames - 1
    around = stand_feet(loop.repeated(3 * turn).slice(turn - _MARGIN, 2 * turn + 1 + _MARGIN), rest)
    return closed(around.slice(_MARGIN, _MARGIN + loop.frames))


def _with_feet(clip: Body, start: int, stop: int, rest: np.ndarray) -> Body:
    """Frames `start` to `stop` with feet that stand; the frames about the cut say how they come and go."""
    before = max(start - _MARGIN, 0)
    return stand_feet(clip.slice(before, stop + _MARGIN), rest).slice(start - before, stop - before)


def _event(entry: dict[str, Any], start: int, joints: np.ndarray) -> int:
    event = entry.get("event")
    if isinstance(event, str):
        return find_event(joints, event)
    frame = len(joints) // 2 if event is None else round(event * FPS) - start
    if not 0 <= frame < len(joints):
        raise IntermambaError(f"`event` at {event} s is outside the cut.")
    return frame


def _placed(body: Body, event: int, toward: str | None, rest: np.ndarray) -> Body:
    """The body with its pelvis first at x = z = 0 and +Z where it faces first.

    With `toward` +Z is where that point is, seen from the pelvis at the event: where a fist goes, there is the
    partner. With "travel" it is where the body goes from its first frame to its last.
    """
    joints = body.joints(rest)
    if toward is None:
        yaw = float(facing(joints[0]))
    else:
        if toward == "travel":
            way = body.root[-1] - body.root[0]
        else:
            way = points(joints[event : event + 1], toward)[0].mean(axis=0) - joints[event, PELVIS]
        yaw = float(np.arctan2(way[0], way[2]))
    turned = body.moved(-yaw)
    return turned.moved(offset=-turned.root[0, [0, 2]])


def pack_library(library: Library, path: str | Path) -> None:
    """Write a library as one .npz that `load_packed` reads: rotations to 0.004 degrees, everything else as it is."""
    phrases = library.all
    rotations = np.concatenate([phrase.body.rotations for phrase in phrases])
    columns: dict[str, Any] = {name: [getattr(phrase, name) for phrase in phrases] for name in _COLUMNS}
    columns["side"] = [side or "" for side in columns["side"]]
    with atomic_write(path) as temporary:
        np.savez_compressed(
            temporary,
            **columns,
            lengths=[phrase.body.frames for phrase in phrases],
            root=np.concatenate([phrase.body.root for phrase in phrases]).astype(np.float32),
            rotations=np.round(rotations * _QUATERNION_STEPS).astype(np.int16),
            rest=library.rest,
        )


def load_packed(path: str | Path) -> Library:
    """The library that `pack_library` wrote."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in (*_COLUMNS, "lengths", "root", "rotations", "rest")}
    except (OSError, ValueError, KeyError) as error:
        raise IntermambaError(f"{path} cannot be read as a packed library ({error}).") from error
    rotations = arrays["rotations"] / _QUATERNION_STEPS
    rotations /= np.linalg.norm(rotations, axis=-1, keepdims=True)
    root, ends = arrays["root"].astype(float), np.cumsum(arrays["lengths"])[:-1]
    bodies = map(Body, np.split(root, ends), np.split(rotations, ends))
    rows: Any = zip(bodies, *(arrays[name].tolist() for name in _COLUMNS), strict=True)
    phrases = [
        Phrase(action, clip, body, event, held_out, loops, side or None, aimed)
        for body, action, clip, event, held_out, loops, side, aimed in rows
    ]
    return Library(phrases, arrays["rest"])
