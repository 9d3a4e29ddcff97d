"""The evaluators that others have published, read as tensors alone: nothing in their files is run.

InterGen's `interclip.ckpt` holds a Lightning `state_dict`, its names below `model.`; Inter-X's `finest.tar` a
`state_dict` for each of three networks. Neither was at hand: the names are those of the released code.
"""

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from intermamba.errors import IntermambaError

from .interclip import InterCLIP, InterCLIPConfig, paper
from .t2m import T2M, T2MConfig

INTERCLIP_NAMES = {
    "motion_encoder.query_token": "motion_encoder.query",
    "motion_encoder.embed_motion.": "motion_encoder.embed.",
    "motion_encoder.out_ln.": "motion_encoder.norm.",
    "token_embedding.": "sentence_encoder.embed.",
    "positional_embedding": "sentence_encoder.positions",
    "textTransEncoder.": "sentence_encoder.transformer.",
    "text_ln.": "sentence_encoder.norm.",
    "out.": "sentence_encoder.out.",
}
"""Beginnings of published names, and what they are called here; the others have one name."""
COMPUTED = ("motion_encoder.sequence_pos_encoder.pe",)
"""Published tensors that are no weights: the sinusoid."""
OURS = ("motion_encoder.mean", "motion_encoder.std")
"""Statistics that the published evaluator does not have: it takes motion as it is."""


def load_interclip(path: Path, config: InterCLIPConfig | None = None) -> InterCLIP:
    """InterGen's evaluator, ready to measure. Raises IntermambaError for a file of anything else."""
    state = _part(_read(path), "state_dict", path)
    model = InterCLIP(config or paper())
    named = {_our_name(name.removeprefix("model.")): tensor for name, tensor in state.items()}
    named = {name: tensor for name, tensor in named.items() if name not in COMPUTED}
    named |= {name: model.state_dict()[name] for name in OURS}
    _fill(model, named, path)
    return model.eval()


def load_finest(path: Path, config: T2MConfig | None = None) -> T2M:
    """Inter-X's evaluator, ready to measure. Raises IntermambaError for a file of anything else."""
    content, model = _read(path), T2M(config or T2MConfig())
    for part in ("movement_encoder", "text_encoder", "motion_encoder"):
        _fill(model.get_submodule(part), _part(content, part, path), path)
    return model.eval()


def _read(path: Path) -> dict[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines()[0]
        raise IntermambaError(
            f"{path} cannot be read as tensors alone ({reason}): download it again."
        ) from error
    return content if isinstance(content, dict) else {}


def _part(content: dict[str, Any], name: str, path: Path) -> dict[str, Tensor]:
    part = content.get(name)
    if not isinstance(part, dict) or not all(isinstance(value, Tensor) for value in part.values()):
        raise IntermambaError(f"{path} has no `{name}` of tensors: it is not the published evaluator.")
    return part


def _our_name(name: str) -> str:
    for theirs, ours in INTERCLIP_NAMES.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def _fill(model: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Copy tensors into a network; the first that is missing, of another shape or not known is an error."""
    wanted = model.state_dict()
    for name, tensor in wanted.items():
        if name not in state:
            raise IntermambaError(f"{path} lacks {name}: it is not the published evaluator.")
        if state[name].shape != tensor.shape:
            found, right = tuple(state[name].shape), tuple(tensor.shape)
            raise IntermambaError(
                f"{path} has {name} of shape {found} where {right} belongs: it is of another size."
            )
    if unknown := state.keys() - wanted.keys():
        raise IntermambaError(
            f"{path} holds {min(unknown)}, which the evaluator does not have: it is another one."
        )
    model.load_state_dict({name: tensor.float() for name, tensor in state.items()})
