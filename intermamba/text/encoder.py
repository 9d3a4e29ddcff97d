"""The prompt's token features by a small BERT (all-MiniLM-L6-v2) that travels inside the bundle."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import BundleError, IntermambaError

MAX_TOKENS = 64
GRAPH = "text.onnx"
TOKENIZER = "tokenizer.json"


class TextEncoder:
    """Reads `text.onnx` and `tokenizer.json` of a bundle; needs onnxruntime and tokenizers alone."""

    def __init__(self, folder: str | Path, threads: int = 0):
        """Load the encoder of the bundle `folder`; `threads` 0 leaves the number to onnxruntime.

        Raises BundleError when a file is missing or cannot be read.
        """
        try:
            import onnxruntime as ort
            from tokenizers import Tokenizer
        except ImportError as error:
            raise IntermambaError(
                f"The text encoder needs {error.name}: run `pip install onnxruntime tokenizers`."
            ) from error
        folder = Path(folder)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            self._session = ort.InferenceSession(
                str(folder / GRAPH), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise bare exceptions of their own
            raise BundleError(f"The text encoder of {folder} cannot be loaded: {error}") from error
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def encode(self, prompts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return token features (B, S, C) float32, zero where padded, and their mask (B, S) bool.

        S is the longest prompt's word pieces with its two marks, 64 at most; longer prompts are cut.
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

    def _encode_one(self, prompt: str) -> np.ndarray:
        """Token features (S, C) of one prompt."""
        ids = np.array([self._tokenizer.encode(prompt).ids], np.int64)
        return np.asarray(self._session.run(["tokens"], {"ids": ids, "mask": np.ones_like(ids)})[0])[0]
