"""Which data set lies in a folder, and its clips of a split."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from intermamba.errors import IntermambaError
from intermamba.motion.placement import place_pair
from training.data.clips import Clip, load_clips
from training.data.interhuman import load_interhuman
from training.data.interx import load_interx

from .protocol import FOLDERS, INTERHUMAN, INTERX, Protocol

Dataset = Literal["folders", "interhuman", "interx"]
PROTOCOLS: dict[Dataset, Protocol] = {"folders": FOLDERS, "interhuman": INTERHUMAN, "interx": INTERX}


def told(folders: Sequence[Path]) -> Dataset:
    """What `folders` are: one's own motion files, or one folder of a data set as released.

    Raises IntermambaError when they are nothing of that.
    """
    if all((folder / "captions.jsonl").is_file() for folder in folders):
        return "folders"
    if len(folders) == 1:
        (folder,) = folders
        if (folder / "motions_processed").is_dir():
            return "interhuman"
        if any((place / "motions").is_dir() for place in (folder / "processed", folder)):
            return "interx"
    raise IntermambaError(
        f"{', '.join(map(str, folders))}: give folders with captions.jsonl, or the one folder of InterHuman (with "
        "motions_processed) or Inter-X (with processed/motions)."
    )


def load_split(folders: Sequence[Path], split: str) -> list[Clip]:
    """The clips of a split; one's own folders have none, and are taken whole."""
    dataset = told(folders)
    if dataset == "interhuman":
        return load_interhuman(folders[0], split)
    if dataset == "interx":  # where its floor is, is not known
        return [_placed(clip) for clip in load_interx(folders[0], split)]
    return [clip for folder in folders for clip in load_clips(folder)]


def _placed(clip: Clip) -> Clip:
    joints, rotations = place_pair(clip.joints, clip.rotations)
    return replace(clip, joints=joints, rotations=rotations)
