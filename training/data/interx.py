"""Inter-X as released (Xu et al. 2024): its motions as our clips, and in its own representation for its evaluator.

    FOLDER/processed/motions/{train,val,test}.h5        of each clip (T,56,6), 30 fps
    FOLDER/processed/texts_processed/<name>.txt         lines of `caption#word/POS word/POS#0.0#0.0`
    FOLDER/SMPLX_NEUTRAL.npz                            optional: the body that the motions were made for

(`processed/` may be left out.) The last axis of a clip is one person, then the other; its rows are the axis-angle
rotations of SMPL-X's 55 joints, of which the first 22 are SMPL's, and the translation of the root. Y is up; both are
given from the first person's first translation, so the floor is at no known height. All bodies are neutral, of mean
shape: without the body model, the bones are those of our default body.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intermamba.errors import IntermambaError
from intermamba.motion.kinematics import bone_vectors, fk
from intermamba.motion.rotations import quat_from_axis_angle, quat_to_matrix
from intermamba.motion.skeleton import DEFAULT_REST, JOINTS

from .clips import Clip
from .converted import Arrays, load_converted

SHORTEST, LONGEST = 24, 1000  # frames: clips outside are not used
USED = 150  # frames: the first 5 seconds of a clip are all that the released loader ever takes
ROWS = 56  # 55 joints and the translation
SPLITS = ("train", "val", "test")
BODY_MODEL = "SMPLX_NEUTRAL.npz"


@dataclass(frozen=True)
class Text:
    """A caption, and its words with their parts of speech as `word/POS`, for the evaluator of Inter-X."""

    caption: str
    tokens: tuple[str, ...]


@dataclass(frozen=True)
class InterXClip:
    """A clip as its evaluator takes it: features (T,56,12) of `interx_features`."""

    id: str
    features: NDArray[np.float32]
    texts: tuple[Text, ...]


def load_interx(folder: str | Path, split: str) -> list[Clip]:
    """The clips of a split, mapped from FOLDER/converted, which is made on the first call.

    A clip that cannot be used is left out with a line on standard error. Raises IntermambaError for a folder of
    another layout, without h5py, or without a single good clip.
    """
    folder = Path(folder)
    path = _motions(folder, split)
    rest = body_rest(folder / BODY_MODEL)
    with _opened(path) as file:
        return load_converted(
            folder / "converted" / split,
            _names(file, path),
            [path, folder / BODY_MODEL],
            lambda name: _convert(_read(file, path, name), rest),
            lambda name: tuple(text.caption for text in read_texts(_texts(folder, name))),
        )


def interx_clips(folder: str | Path, split: str) -> Iterator[InterXClip]:
    """The clips of a split in Inter-X's own representation, one after another: none of them stays in memory.

    Bad clips are passed over; `load_interx` names them. Raises IntermambaError like it for the folder.
    """
    folder = Path(folder)
    path = _motions(folder, split)
    with _opened(path) as file:
        for name in _names(file, path):
            try:
                rows, texts = _read(file, path, name), read_texts(_texts(folder, name))
            except IntermambaError:
                continue
            yield InterXClip(name, interx_features(*_turns(rows)), texts)


def interx_features(rotations: NDArray[Any], translations: NDArray[Any]) -> NDArray[np.float32]:
    """Inter-X's features (T,56,12) of rotations (2,T,N,4) of SMPL-X's first N joints and translations (2,T,3).

    Of each joint the first two rows of its matrix (PyTorch3D's 6D), one person after the other; joints beyond N
    are not turned. The last row is translation and velocity (metres per frame, 0 at the end) of one, then the other.
    """
    frames = rotations.shape[1]
    turns = np.zeros((2, frames, ROWS - 1, 4))
    turns[..., 0] = 1.0
    turns[:, :, : rotations.shape[2]] = rotations
    joints = quat_to_matrix(turns)[..., :2, :].reshape(2, frames, ROWS - 1, 6)
    steps = np.diff(translations, axis=1, append=translations[:, -1:])
    paths = np.concatenate([translations, steps], axis=-1)[:, :, None]
    people = np.concatenate([joints, paths], axis=2)
    return np.concatenate(list(people), axis=-1).astype(np.float32)


def read_texts(path: Path) -> tuple[Text, ...]:
    """The captions of a clip. Raises IntermambaError when there are none, or a line has another form."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise IntermambaError(f"{path} cannot be read ({error.strerror}).") from error
    texts = []
    for number, line in enumerate(lines, 1):
        parts = line.strip().split("#")
        if parts == [""]:
            continue
        if len(parts) != 4 or not parts[0].strip() or not parts[1].strip():
            raise IntermambaError(f"Line {number} of {path} is not `caption#word/POS ...#0.0#0.0`.")
        texts.append(Text(parts[0].strip(), tuple(parts[1].split())))
    if not texts:
        raise IntermambaError(f"{path} holds no caption.")
    return tuple(texts)


def body_rest(path: Path) -> NDArray[np.float64]:
    """Offsets (22,3) of the mean body in an SMPL-X model file; of our default body where there is no file."""
    if not path.is_file():
        return DEFAULT_REST
    try:
        with np.load(path, allow_pickle=False) as model:
            joints = model["J_regressor"][:JOINTS] @ model["v_template"]
    except (OSError, ValueError, KeyError) as error:
        raise IntermambaError(f"{path} is not SMPL-X's neutral model ({error}).") from error
    return bone_vectors(joints)


def _convert(rows: NDArray[Any], rest: NDArray[Any]) -> Arrays:
    """Both people of a clip (T,56,6) as our arrays; the height of the floor is left open."""
    rotations, root = _turns(rows)
    rotations = rotations[:, :, :JOINTS]
    return fk(rotations, root, rest), rotations, np.stack([rest, rest])


def _turns(rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rotations (2,T,55,4) and translations (2,T,3) of a clip (T,56,6)."""
    people = np.moveaxis(rows.reshape(len(rows), ROWS, 2, 3), 2, 0)
    turns = people[:, :, :-1]
    return quat_from_axis_angle(turns, np.linalg.norm(turns, axis=-1)), people[:, :, -1]


def _read(file: Any, path: Path, name: str) -> NDArray[np.float64]:
    """The first frames (T,56,6) of a clip, at most USED."""
    try:
        data = file[name]
        shape: Any = getattr(data, "shape", None)  # a group has none
        rows = data[:USED].astype(np.float64) if shape and shape[1:] == (ROWS, 6) else None
    except (OSError, ValueError, KeyError) as error:
        raise IntermambaError(f"{name} in {path} cannot be read ({error}).") from error
    if rows is None:
        raise IntermambaError(f"{name} in {path} has the shape {shape}, not (frames, {ROWS}, 6).")
    if not SHORTEST <= shape[0] < LONGEST:
        raise IntermambaError(
            f"{name} in {path} has {shape[0]} frames; {SHORTEST} to {LONGEST - 1} are used."
        )
    if not np.isfinite(rows).all():
        raise IntermambaError(f"{name} in {path} holds values that are not numbers.")
    return rows


def _motions(folder: Path, split: str) -> Path:
    if split not in SPLITS:
        raise IntermambaError(f"Inter-X has no split {split!r}: choose {', '.join(SPLITS)}.")
    for path in (folder / "processed" / "motions" / f"{split}.h5", folder / "motions" / f"{split}.h5"):
        if path.is_file():
            return path
    raise IntermambaError(
        f"{folder} has no processed/motions/{split}.h5: give the folder that holds `processed`."
    )


def _names(file: Any, path: Path) -> list[str]:
    if not len(file):
        raise IntermambaError(f"{path} holds no clip: download it again.")
    return sorted(file)


def _texts(folder: Path, name: str) -> Path:
    nested = folder / "processed" / "texts_processed"
    return (nested if nested.is_dir() else folder / "texts_processed") / f"{name}.txt"


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import h5py
    except ImportError as error:
        raise IntermambaError("Inter-X's motions need h5py: pip install h5py.") from error
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise IntermambaError(f"{path} is not an HDF5 file, or it is damaged: download it again.") from error
    with file:
        yield file
