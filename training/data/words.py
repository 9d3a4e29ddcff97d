"""Words as T2M's evaluators read them (Guo et al. 2022): a GloVe vector and the part of speech of each.

    FOLDER/processed/glove/hhi_vab_data.npy     (N,300)
    FOLDER/processed/glove/hhi_vab_words.pkl    the words
    FOLDER/processed/glove/hhi_vab_idx.pkl      the row of each

(`processed/` may be left out.) The two pickles are read as lists, dictionaries, text and numbers alone.
"""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intermamba.errors import IntermambaError

WIDTH = 300
LONGEST = 35  # words of a caption
UNKNOWN = "unk"
TAGS = (
    *("VERB", "NOUN", "DET", "ADP", "NUM", "AUX", "PRON", "ADJ", "ADV"),
    *("Loc_VIP", "Body_VIP", "Obj_VIP", "Act_VIP", "Desc_VIP", "OTHER"),
)
"""Parts of speech, then T2M's own classes of words that matter for motion, which win over them."""
_SPECIAL = {
    "Loc_VIP": "left right clockwise counterclockwise anticlockwise forward back backward up down straight curve",
    "Body_VIP": "arm chin foot feet face hand mouth leg waist eye knee shoulder thigh",
    "Obj_VIP": "stair dumbbell chair window floor car ball handrail baseball basketball",
    "Act_VIP": (
        "walk run swing pick bring kick put squat throw hop dance jump turn stumble stop sit lift lower raise wash "
        "stand kneel stroll rub bend balance flap jog shuffle lean rotate spin spread climb"
    ),
    "Desc_VIP": "slowly carefully fast careful slow quickly happy angry sad happily angrily sadly",
}
_CLASS = {word: name for name, words in _SPECIAL.items() for word in words.split()}


class Words:
    """The word vectors of Inter-X."""

    def __init__(self, folder: Path) -> None:
        """Raises IntermambaError for a folder without them."""
        place = folder / "processed" / "glove"
        place = place if place.is_dir() else folder / "glove"
        try:
            vectors = np.load(place / "hhi_vab_data.npy", allow_pickle=False)
            words, rows = (_plain(place / f"hhi_vab_{name}.pkl") for name in ("words", "idx"))
            self.vectors = {word: vectors[rows[word]].astype(np.float32) for word in words}
            whole = self.vectors[UNKNOWN].shape == (WIDTH,)
        except (OSError, ValueError, LookupError, TypeError, EOFError, pickle.UnpicklingError) as error:
            raise IntermambaError(
                f"{place} does not hold the word vectors of Inter-X ({error}): download `processed/glove` again."
            ) from error
        if not whole:
            raise IntermambaError(f"{place} holds word vectors that are not of {WIDTH} numbers.")

    def __call__(self, tokens: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Vectors (S,300) and classes (S,15), one-hot, of at most 35 words `word/POS` and the marks around them."""
        marked = ["sos/OTHER", *tokens[:LONGEST], "eos/OTHER"]
        vectors, classes = (
            np.zeros((len(marked), WIDTH), np.float32),
            np.zeros((len(marked), len(TAGS)), np.float32),
        )
        for row, token in enumerate(marked):
            word, _, tag = token.rpartition("/")
            known = word in self.vectors
            vectors[row] = self.vectors[word if known else UNKNOWN]
            tag = _CLASS.get(word, tag) if known else "OTHER"
            classes[row, TAGS.index(tag if tag in TAGS else "OTHER")] = 1
        return vectors, classes


class _Plain(pickle.Unpickler):
    """Reads what is made of Python's own lists, dictionaries, text and numbers; refuses all else."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is not plain data")


def _plain(path: Path) -> Any:
    with path.open("rb") as file:
        return _Plain(file).load()
