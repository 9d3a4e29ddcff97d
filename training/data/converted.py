"""Large datasets, converted once into a file of our arrays that is mapped into memory, not read, from then on.

NAME.npy is one flat float32 array; of each clip it holds rest (2,22,3), joints (2,T,22,3) and rotations (2,T,22,4)
in a row. NAME.json says which clips those are, what is wrong with those left out, and from which files (their sizes
and times) all of it was made; when these change it is made again. Every process that maps it shares the same pages.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from intermamba.errors import IntermambaError
from intermamba.files import atomic_write
from intermamba.motion.skeleton import JOINTS

from .clips import Clip
from .usable import usable

VERSION = 1  # of the conversions: another number makes every file again
REST = 2 * JOINTS * 3
PER_FRAME = 2 * JOINTS * (3 + 4)

Arrays = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""joints (2,T,22,3) metres, local rotations (2,T,22,4), rest (2,22,3)."""


def load_converted(
    path: Path,
    names: Sequence[str],
    sources: Iterable[Path],
    convert: Callable[[str], Arrays],
    captions: Callable[[str], tuple[str, ...]],
    *,
    own_floor: bool = False,
) -> list[Clip]:
    """The clips `names`, mapped from `path` (without suffix), which is made first where it is missing or stale.

    `sources` are all files that the arrays depend on. `convert` and `captions` raise IntermambaError for a bad
    clip, which is left out with a line. Raises IntermambaError when no clip is left or `path` cannot be written.
    """
    stamp = _stamp(names, sources)
    index = _read_index(path, stamp)
    if index is None:
        try:
            index = _convert(path, names, convert, stamp)
        except IntermambaError as error:
            raise IntermambaError(
                f"{error} The dataset is converted once, below {path.parent.parent}: free space there, or make "
                f"`{path.parent.name}` in it a link to a folder elsewhere."
            ) from error
    empty = all("problem" in entry for entry in index["clips"])
    values = (
        np.zeros(0, np.float32) if empty else np.asarray(np.load(path.with_suffix(".npy"), mmap_mode="r"))
    )

    def clip(entry: dict[str, Any]) -> Clip:
        if "problem" in entry:
            raise IntermambaError(entry["problem"])
        start, frames = entry["start"], entry["frames"]
        parts = np.split(
            values[start : start + REST + frames * PER_FRAME], [REST, REST + 2 * frames * JOINTS * 3]
        )
        return Clip(
            id=entry["id"],
            joints=parts[1].reshape(2, frames, JOINTS, 3),
            rotations=parts[2].reshape(2, frames, JOINTS, 4),
            rest=parts[0].reshape(2, JOINTS, 3).copy(),
            good=np.ones(frames, bool),
            captions=captions(entry["id"]),
            own_floor=own_floor,
        )

    return usable(index["clips"], clip, path.parent.parent)


def _stamp(names: Sequence[str], sources: Iterable[Path]) -> str:
    """A digest of the names, and of the sizes and times of the files."""
    digest = hashlib.sha256(repr((VERSION, list(names))).encode())
    for source in sources:
        try:
            status = source.stat()
            digest.update(f"{source.name} {status.st_size} {status.st_mtime_ns}\n".encode())
        except OSError:
            digest.update(f"{source.name} is not there\n".encode())
    return digest.hexdigest()


def _read_index(path: Path, stamp: str) -> dict[str, Any] | None:
    """What is in the file, or None where it has to be made."""
    try:
        index = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        size = path.with_suffix(".npy").stat().st_size
        return index if (index["stamp"], index["size"]) == (stamp, size) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _convert(
    path: Path, names: Sequence[str], convert: Callable[[str], Arrays], stamp: str
) -> dict[str, Any]:
    """Write both files, clip by clip, the index last."""
    entries: list[dict[str, Any]] = []
    header = len(_header(0))
    floats = 0
    with atomic_write(path.with_suffix(".npy")) as temporary, temporary.open("wb") as file:
        file.write(_header(0))
        for name in track(names, f"converting {path.stem}, once", console=Console(stderr=True)):
            try:
                joints, rotations, rest = convert(name)
            except IntermambaError as error:
                entries.append({"id": name, "problem": str(error)})
                continue
            entries.append({"id": name, "start": floats, "frames": joints.shape[1]})
            for array in (rest, joints, rotations):
                file.write(np.ascontiguousarray(array, np.float32).tobytes())
                floats += array.size
        file.seek(0)
        file.write(_header(floats))
    index = {"stamp": stamp, "size": header + 4 * floats, "clips": entries}
    with atomic_write(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(index), encoding="utf-8")
    return index


def _header(floats: int) -> bytes:
    """The header of an .npy file (version 1.0) of so many float32, always of the same length."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({floats},), }}"
    return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text.ljust(117).encode() + b"\n"
