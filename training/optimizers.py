"""The optimisers of a run: AdamW for all, or Muon for the matrices inside the blocks and AdamW for the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from .checkpoint import optimizer_tensors, restore_optimizer

Kind = Literal["adamw", "muon"]
ENDS = ("in_proj", "out_proj", "text.in_proj", "prior.out", "out")
"""The layers that read a motion or a sentence, and those that write a motion; of a network, or of a prior alone."""


@dataclass(frozen=True)
class Optimizers:
    """Several optimisers that step as one; each with the names of its parameters."""

    parts: list[tuple[Optimizer, list[str]]]

    def step(self, learning_rate: float) -> None:
        """Take a step at that learning rate."""
        for optimizer, _ in self.parts:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * group["factor"]
            optimizer.step()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for optimizer, _ in self.parts:
            optimizer.zero_grad(set_to_none=True)

    def tensors(self) -> dict[str, Tensor]:
        """All state, by parameter name."""
        return {
            key: tensor
            for optimizer, names in self.parts
            for key, tensor in optimizer_tensors(optimizer, names).items()
        }


def make_optimizers(
    model: nn.Module,
    kind: Kind,
    learning_rate: float,
    weight_decay: float,
    text_factor: float = 1.0,
    state: Mapping[str, Tensor] | None = None,
) -> Optimizers:
    """The optimisers of `model`; both kinds take the same learning rate, the text transformer its `text_factor`.

    Muon (Jordan et al. 2024) makes the update of a matrix orthogonal; scaled to AdamW's root mean square (Liu et al.
    2025, equation 4) it needs no learning rate of its own. Embeddings, the network's first and last layers,
    convolutions and what is no matrix keep AdamW, as its authors advise. With `state`, of tensors(), they go on from
    there, and every matrix keeps the optimiser that it has there.
    """
    state = state or {}
    matrices = (_begun_with_muon(model, state) or inner_matrices(model)) if kind == "muon" else {}
    others = {name: p for name, p in model.named_parameters() if name not in matrices}
    groups, names = _groups(others, text_factor)
    adamw = torch.optim.AdamW(groups, lr=learning_rate, weight_decay=weight_decay, fused=True)
    parts: list[tuple[Optimizer, list[str]]] = [(adamw, names)]
    if matrices:
        groups, names = _groups(matrices, text_factor)
        muon = torch.optim.Muon(
            groups, lr=learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
        )
        parts.append((muon, names))
    for optimizer, names in parts:
        own = set(names)
        restore_optimizer(optimizer, names, {k: v for k, v in state.items() if k.rsplit("/", 1)[0] in own})
    return Optimizers(parts)


def _groups(
    parameters: dict[str, nn.Parameter], text_factor: float
) -> tuple[list[dict[str, Any]], list[str]]:
    """Parameter groups with the factor of their learning rate, and the names in the order of the groups."""
    text = [name for name in parameters if name.startswith("text.")]
    rest = [name for name in parameters if not name.startswith("text.")]
    groups = [
        {"params": [parameters[name] for name in names], "factor": factor}
        for names, factor in ((rest, 1.0), (text, text_factor))
        if names
    ]
    return groups, rest + text


def inner_matrices(model: nn.Module) -> dict[str, nn.Parameter]:
    """The weights of linear layers between the first layers and the last."""
    return {
        f"{name}.weight": model.get_parameter(f"{name}.weight")
        for name, module in model.named_modules()
        if type(module) is nn.Linear and name not in ENDS
    }


def _begun_with_muon(model: nn.Module, state: Mapping[str, Tensor]) -> dict[str, nn.Parameter]:
    return {name: p for name, p in model.named_parameters() if f"{name}/momentum_buffer" in state}
