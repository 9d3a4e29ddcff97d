"""The paper's frozen text encoder: CLIP ViT-L/14's text tower by open_clip, its token features kept on disk.

The tower is OpenAI's, all of its layers and the final norm, without the projection into the space of images. Nothing is
downloaded: the weights are one safetensors file that the user puts in place.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from intermamba.errors import IntermambaError
from intermamba.files import atomic_write
from intermamba.text.encoder import MAX_TOKENS

WEIGHTS = "open_clip_model.safetensors"
URL = f"https://huggingface.co/timm/vit_large_patch14_clip_336.openai/resolve/main/{WEIGHTS}"
HEAD_WIDTH = 64  # of every CLIP
TEXT = ("token_embedding.", "positional_embedding", "transformer.", "ln_final.")
TOGETHER = 64  # captions

Tokens = Callable[[list[str]], tuple[NDArray[np.float32], NDArray[np.bool_]]]
"""Captions to text tokens (B,S,C) and their mask (B,S)."""


class ClipText:
    """Token features of captions, from the weights in `folder`."""

    def __init__(self, folder: str | Path, device: torch.device | str = "cpu") -> None:
        """Raises IntermambaError with what to install or download where something is missing."""
        self.tokenizer = open_tokenizer()
        weights = read_weights(Path(folder) / WEIGHTS)
        self.identity = _identity(weights)
        self.device = device
        self.tower = _tower(weights, Path(folder) / WEIGHTS).to(device)

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Token features (B,S,768), zero where padded, and their mask (B,S).

        S is the longest prompt's word pieces with the two marks around them, 77 at most; longer prompts are cut. The
        last that the mask has of a prompt is its end-of-text token.
        """
        ids = self.tokenizer(list(prompts))
        lengths = ids.argmax(-1) + 1  # end-of-text has the highest number
        _, tokens = self.tower(ids.to(self.device))
        rows = [row[:length].float().cpu().numpy() for row, length in zip(tokens, lengths, strict=True)]
        return pad(rows)


class CachedText:
    """Token features of captions, each computed once and then read from `folder`, a file a caption.

    Files are named by the tower's identity and the caption, so that several runs, and several processes of one, can
    share the folder, and a stopped one loses nothing.
    """

    def __init__(self, encoder: ClipText, folder: str | Path) -> None:
        self.encoder, self.folder = encoder, Path(folder) / encoder.identity

    def __call__(self, captions: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Token features (B,S,768) and their mask (B,S), as ClipText.encode gives them but in half precision."""
        rows = {caption: self._read(caption) for caption in dict.fromkeys(captions)}
        missing = [caption for caption, row in rows.items() if row is None]
        for group in batched(missing, TOGETHER):
            tokens, mask = self.encoder.encode(group)
            for caption, padded, real in zip(group, tokens, mask, strict=True):
                rows[caption] = row = padded[real].astype(np.float16)
                with atomic_write(self._path(caption)) as temporary:
                    np.save(temporary, row)
        return pad([row for caption in captions if (row := rows[caption]) is not None])

    def _read(self, caption: str) -> NDArray[np.float16] | None:
        try:
            return np.load(self._path(caption), allow_pickle=False)
        except (OSError, ValueError, EOFError):  # not there, or damaged by a power cut
            return None

    def _path(self, caption: str) -> Path:
        name = hashlib.sha256(caption.encode()).hexdigest()[:32]
        return self.folder / name[:2] / f"{name}.npy"


def open_tokenizer() -> Callable[[list[str]], Tensor]:
    """CLIP's word pieces: token ids (B,77) of captions. Raises IntermambaError where open_clip is not installed."""
    try:
        from open_clip.tokenizer import SimpleTokenizer
    except ImportError as error:
        raise IntermambaError(
            f"CLIP's words need open_clip: run `pip install intermamba[clip]` ({error})."
        ) from error
    return SimpleTokenizer(context_length=MAX_TOKENS)


def pad(rows: Sequence[NDArray[np.floating]]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Features (S_i,C) of B captions as one (B,S,C), zero where padded, and its mask (B,S)."""
    lengths = np.array([len(row) for row in rows])
    mask = np.arange(lengths.max()) < lengths[:, None]
    tokens = np.zeros((*mask.shape, rows[0].shape[-1]), np.float32)
    tokens[mask] = np.concatenate(rows)
    return tokens, mask


def batched(items: Sequence[str], size: int) -> Iterator[list[str]]:
    """Parts of at most `size` items, as itertools.batched of Python 3.12 gives them."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def read_weights(path: Path) -> dict[str, Tensor]:
    """The text tower's tensors of a file that may hold all of CLIP. Raises IntermambaError with what to download."""
    if not path.is_file():
        raise IntermambaError(
            f"CLIP's text tower is not there: download {URL} (1.7 GB), on any machine, and put it at {path}."
        )
    try:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.removeprefix("text.").startswith(TEXT)]  # noqa: SIM118
            return {name.removeprefix("text."): file.get_tensor(name).float() for name in sorted(names)}
    except (OSError, SafetensorError) as error:
        raise IntermambaError(f"{path} cannot be read ({error}): download {URL} again.") from error


def _tower(weights: dict[str, Tensor], path: Path) -> torch.nn.Module:
    from open_clip.transformer import QuickGELU, TextTransformer

    try:
        vocabulary, width = weights["token_embedding.weight"].shape
        layers = {name.split(".")[2] for name in weights if name.startswith("transformer.resblocks.")}
        tower = TextTransformer(
            context_length=MAX_TOKENS,
            vocab_size=vocabulary,
            width=width,
            heads=width // HEAD_WIDTH,
            layers=len(layers),
            output_dim=0,
            act_layer=QuickGELU,
            output_tokens=True,
        )
        tower.load_state_dict(weights)
    except (KeyError, RuntimeError, ZeroDivisionError) as error:
        raise IntermambaError(f"{path} does not hold OpenAI's CLIP: download {URL} again.") from error
    return tower.eval().requires_grad_(False)


def _identity(weights: dict[str, Tensor]) -> str:
    """A name of the weights that only the same weights have."""
    digest = hashlib.sha256()
    for name, tensor in weights.items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()[:16]
