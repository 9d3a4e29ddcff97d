"""Checkpoints: one safetensors file that holds all there is to resume from, never unpickled, replaced whole.

Tensors: `ema/*`, the weights that a bundle gets; `model/*`, the trained ones where those are an average;
`optimizer/<parameter>/<exp_avg|exp_avg_sq|step|momentum_buffer>`, `stats/mean`, `stats/std`, `stats/rest`.
The header's metadata holds the step and the recipe. Random draws need no state: each step seeds its own.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from intermamba.errors import IntermambaError
from intermamba.files import atomic_write


def save_checkpoint(path: Path, tensors: dict[str, Tensor], step: int, recipe: dict[str, Any]) -> None:
    """Write `path` whole or not at all, and clear away what a process that was killed at it has left."""
    for stray in path.parent.glob(f".{path.stem}-*{path.suffix}"):
        stray.unlink(missing_ok=True)
    metadata = {"step": str(step), "recipe": json.dumps(recipe)}
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_write(path) as temporary:
        save_file(contiguous, temporary, metadata)


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], int, dict[str, Any]]:
    """Tensors, step and recipe of a checkpoint."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no dict)
        return tensors, int(metadata["step"]), json.loads(metadata["recipe"])
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise IntermambaError(f"{path} is not a checkpoint of this trainer ({error}).") from error


def with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """`tensors` with `prefix/` before every name."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose name starts with `prefix/`, without it."""
    return {
        name.removeprefix(f"{prefix}/"): t for name, t in tensors.items() if name.startswith(f"{prefix}/")
    }


def optimizer_tensors(optimizer: torch.optim.Optimizer, names: list[str]) -> dict[str, Tensor]:
    """The optimiser's state by parameter name; `names` are in the order of its parameters."""
    state = optimizer.state_dict()["state"]
    return {f"{names[i]}/{key}": torch.as_tensor(v) for i, entry in state.items() for key, v in entry.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, names: list[str], tensors: dict[str, Tensor]) -> None:
    """The inverse of optimizer_tensors."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        parameter, key = name.rsplit("/", 1)
        state.setdefault(names.index(parameter), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
