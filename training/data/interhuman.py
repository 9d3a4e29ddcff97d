"""InterHuman as InterGen (Liang et al. 2023) released it: the dataset of the paper's Table I.

    FOLDER/split/{train,val,test}.txt       an id on each line (also accepted beside split/)
    FOLDER/split/ignore_list.txt            optional: ids to leave out (also accepted beside split/)
    FOLDER/motions_processed/person{1,2}/<id>.npy    (T,492), 30 fps
    FOLDER/annots/<id>.txt                  a caption on each line

A row of 492 is 62 joint positions (metres, Z up; SMPL's 22, then hands and finger tips) and 51 local rotations
(6D, SMPL's joints 1 to 21, then hands) in the layout of `rotation_from_6d`. The root's rotation is not in it.
Duplicated files, `<id>(1).npy`, are never opened.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intermamba.errors import IntermambaError
from intermamba.motion.kinematics import bone_vectors, global_rotations, measure_rest
from intermamba.motion.rotations import kabsch, quat_apply, quat_from_matrix, quat_inverse, rotation_from_6d
from intermamba.motion.skeleton import JOINTS, L_ANKLE, L_KNEE, PARENTS

from .clips import Clip
from .converted import Arrays, load_converted

COLUMNS = 492
POSITIONS = slice(0, 66)
BODY_ROTATIONS = slice(186, 312)
SHORTEST = 15  # frames; InterGen's loader drops what is shorter
LEG = (0.4, 1.4)  # metres from hip to ankle, of people
SPLITS = ("train", "val", "test")

# Rounds of fitting root and bones to each other: on a body unlike the default, the joints are half a millimetre
# off by then.
ROUNDS = 4


def load_interhuman(folder: str | Path, split: str, *, common_floor: bool = False) -> list[Clip]:
    """The clips of a split, mapped from FOLDER/converted, which is made on the first call.

    Each person of a crop stands on a floor of their own, as in the released loader, unless `common_floor`.
    A clip that cannot be used is left out with a line on standard error. Raises IntermambaError for a folder of
    another layout, or without a single good clip.
    """
    folder = Path(folder)
    names = _names(folder, split)
    files = {
        name: [folder / "motions_processed" / f"person{k}" / f"{name}.npy" for k in (1, 2)] for name in names
    }
    return load_converted(
        folder / "converted" / split,
        names,
        [path for pair in files.values() for path in pair],
        lambda name: _convert(files[name]),
        lambda name: read_captions(folder / "annots" / f"{name}.txt"),
        own_floor=not common_floor,
    )


def read_captions(path: Path) -> tuple[str, ...]:
    """The lines of a caption file that hold words. Raises IntermambaError when there are none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise IntermambaError(f"{path} cannot be read ({error.strerror}).") from error
    captions = tuple(line.strip() for line in lines if line.strip())
    if not captions:
        raise IntermambaError(f"{path} holds no caption.")
    return captions


def _names(folder: Path, split: str) -> list[str]:
    """The ids of a split, each once, without the ignored ones and duplicates such as `7605(1)`."""
    if split not in SPLITS:
        raise IntermambaError(f"InterHuman has no split {split!r}: choose {', '.join(SPLITS)}.")
    listed = _lines(folder, f"{split}.txt")
    if listed is None:
        raise IntermambaError(
            f"{folder} has no split/{split}.txt: give the folder that holds split, annots and motions_processed."
        )
    ignored = set(_lines(folder, "ignore_list.txt") or ())
    names = list(dict.fromkeys(name for name in listed if name not in ignored and "(" not in name))
    if not names:
        raise IntermambaError(f"{split}.txt of {folder} names no clip: download it again.")
    return names


def _lines(folder: Path, name: str) -> list[str] | None:
    for path in (folder / "split" / name, folder / name):
        if path.is_file():
            return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return None


def _convert(files: list[Path]) -> Arrays:
    """Both people of a clip as our arrays, in the world of the capture, Y up."""
    rows = [_read_person(path) for path in files]
    if len(rows[0]) != len(rows[1]):
        raise IntermambaError(
            f"{files[0]} has {len(rows[0])} frames and the same file of person2 {len(rows[1])}."
        )
    both = np.stack(rows)
    joints = both[..., POSITIONS].reshape(2, -1, JOINTS, 3)[..., [0, 2, 1]] * [1, 1, -1]
    for path, length in zip(files, np.linalg.norm(measure_rest(joints), axis=-1), strict=True):
        leg = length[L_KNEE] + length[L_ANKLE]
        if not LEG[0] < leg < LEG[1]:
            raise IntermambaError(
                f"{path} has people with legs of {leg:.2f} m: it is not InterHuman's layout."
            )
    body = rotation_from_6d(both[..., BODY_ROTATIONS].reshape(2, -1, JOINTS - 1, 6))
    return joints, *fit_root(joints, body)


def _read_person(path: Path) -> NDArray[np.float64]:
    """Rows (T,492) of one person."""
    try:
        rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise IntermambaError(f"{path} cannot be read ({error}).") from error
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != COLUMNS:
        raise IntermambaError(f"{path} has the shape {np.shape(rows)}, not (frames, {COLUMNS}).")
    if len(rows) < SHORTEST:
        raise IntermambaError(f"{path} has {len(rows)} frames; {SHORTEST} are the least.")
    used = rows[:, np.r_[POSITIONS, BODY_ROTATIONS]]
    if used.dtype.kind != "f" or not np.isfinite(used).all():
        raise IntermambaError(f"{path} holds values that are not numbers.")
    return rows.astype(np.float64)


def fit_root(joints: NDArray[Any], body: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Local rotations (...,T,22,4) with the root's, and rest (...,22,3), from joints and rotations of joints 1 to 21.

    With the body's own rotations each bone says how the root is turned (Kabsch), and each frame how long the bones
    are at rest; the two are fitted in turn, from the rest pose that the joints alone suggest.
    """
    identity = np.broadcast_to([1.0, 0.0, 0.0, 0.0], (*body.shape[:-2], 1, 4))
    rotations = np.concatenate([identity, body], axis=-2)
    spins = global_rotations(rotations)[..., PARENTS[1:], :]  # in the frame of the pelvis
    bones = bone_vectors(joints)[..., 1:, :]
    rest = measure_rest(joints)
    root = kabsch(quat_apply(spins, rest[..., None, 1:, :]), bones)
    for _ in range(ROUNDS):
        in_pelvis = np.einsum("...ji,...nj->...ni", root, bones)
        rest[..., 1:, :] = quat_apply(quat_inverse(spins), in_pelvis).mean(axis=-3)
        root = kabsch(quat_apply(spins, rest[..., None, 1:, :]), bones)
    rotations[..., 0, :] = quat_from_matrix(root)
    return rotations, rest
