"""The prompt's token features by a small BERT (all-MiniLM-L6-v2) that travels inside the bundle."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import BundleError, IntermambaError
from ..onnx_session import open_session

MAX_TOKENS = 77  # word pieces with their two marks: all that CLIP reads
SHOWN = 30  # characters of what is not read that a warning shows
GRAPH = "text.onnx"
TOKENIZER = "tokenizer.json"


class TextEncoder:
    """Reads `text.onnx` and `tokenizer.json` of a bundle; needs onnxruntime and tokenizers alone."""

    def __init__(self, folder: str | Path, threads: int = 0):
        """Load the encoder of the bundle `folder`; `threads` 0 is one for each physical core.

        Raises BundleError when a file is missing or cannot be read.
        """
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise IntermambaError(
                "The text encoder needs tokenizers: run `pip install tokenizers`."
            ) from error
        self._session = open_session(Path(folder) / GRAPH, threads)
        try:
            self._tokenizer = Tokenizer.from_file(str(Path(folder) / TOKENIZER))
        except Exception as error:  # what tokenizers raises has no class of its own
            raise BundleError(f"{Path(folder) / TOKENIZER} cannot be loaded: {error}") from error
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def encode(self, prompts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return token features (B, S, C) float32, zero where padded, and their mask (B, S) bool.

        S is the longest prompt's word pieces with its two marks, MAX_TOKENS at most; longer prompts are cut.
        Prompts run one at a time, so that memory stays small however many there are.
        """
        if not prompts:
            raise ValueError("encode() needs at least one prompt.")
        rows = [self._encode_one(prompt) for prompt in prompts]
        lengths = np.array([len(row) for row in rows])
        mask = np.arange(lengths.max()) < lengths[:, None]
        tokens = np.zeros((*mask.shape, rows[0].shape[-1]), np.float32)
        tokens[mask] = np.concatenate(rows)
        return tokens, mask

    def warning(self, prompt: str) -> str:
        """Return one sentence for a prompt that encode() cuts, else ""."""
        encoding = self._tokenizer.encode(prompt)
        if not encoding.overflowing:
            return ""
        rest = prompt[max(end for _, end in encoding.offsets) :]
        rest = textwrap.shorten(rest, SHOWN, placeholder=" ...")
        return f'The prompt is too long, and is not read from "{rest}" on: say it in fewer words.'

    def _encode_one(self, prompt: str) -> np.ndarray:
        """Token features (S, C) of one prompt."""
        ids = np.array([self._tokenizer.encode(prompt).ids], np.int64)
        return np.asarray(self._session.run(["tokens"], {"ids": ids, "mask": np.ones_like(ids)})[0])[0]
