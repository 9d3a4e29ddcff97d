"""An evaluator's file, ours or a published one, as what judges motions."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from intermamba.bundles.bundle import bundled_folder
from intermamba.errors import IntermambaError
from intermamba.text.encoder import TextEncoder
from training.checkpoint import below, load_checkpoint
from training.clip_text import MAX_TOKENS, open_tokenizer
from training.data.words import Words

from .embedding import CaptionTokens, InterCLIPJudge, Judge
from .interclip import InterCLIP, InterCLIPConfig
from .published import load_finest, load_interclip
from .t2m import T2M, T2MConfig, T2MJudge

BEST = "best.safetensors"


class ClipIds:
    """CLIP's token ids of captions, as InterGen's evaluator reads them: 77 of each, none hidden."""

    def __init__(self) -> None:
        self.tokenizer = open_tokenizer()

    def __call__(self, captions: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Ids (B,77) and a mask (B,77) that is true."""
        ids = self.tokenizer(list(captions))
        return ids, torch.ones(len(captions), MAX_TOKENS, dtype=torch.bool)


def open_judge(path: Path, data: Path, device: torch.device, text: Path | None = None) -> Judge:
    """The judge of a run of train_evaluator, of its file, of InterGen's `interclip.ckpt` or Inter-X's `finest.tar`.

    `data` is the data set, where T2M's word vectors and features come from; `text` the folder of our own encoder.
    """
    model = load_evaluator(path).to(device)
    if isinstance(model, T2M):
        return T2MJudge(model, Words(data), data)
    if model.config.vocabulary:
        return InterCLIPJudge(model, ClipIds())
    return InterCLIPJudge(model, CaptionTokens(TextEncoder(text or bundled_folder())))


def load_evaluator(path: str | Path) -> InterCLIP | T2M:
    """The network of an evaluator's file, ready to measure."""
    path = Path(path)
    path = path / BEST if path.is_dir() else path
    if path.suffix == ".ckpt":
        return load_interclip(path)
    if path.suffix == ".tar":
        return load_finest(path)
    tensors, _, recipe = load_checkpoint(path)
    if "evaluator" not in recipe:
        raise IntermambaError(f"{path} is not an evaluator: make one with training.evaluate.train_evaluator.")
    if recipe["kind"] == "t2m":
        model = T2M(T2MConfig(**recipe["evaluator"]))
    else:
        model = InterCLIP(InterCLIPConfig.from_json(recipe["evaluator"]))
    model.load_state_dict(below("model", tensors))
    return model.eval()
