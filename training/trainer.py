"""The training loop: one process, CPU or CUDA, resumable at any step to the same losses."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from intermamba.bundles.bundle import WEIGHTS, Bundle
from intermamba.diffusion.schedule import cosine_schedule
from intermamba.errors import IntermambaError
from intermamba.model.denoiser import Denoiser
from intermamba.model.network import make_network
from intermamba.model.weights import load_model

from .checkpoint import (
    below,
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
    with_prefix,
)
from .data.batches import Ahead, Batch, Batches
from .losses import loss_terms, total_loss
from .recipe import Recipe

Tokens = Callable[[list[str]], tuple[NDArray[np.float32], NDArray[np.bool_]]]
"""Captions to text tokens (B,S,C) and their mask (B,S)."""


class Trainer:
    """Holds the network, its moving average, the optimiser and the step."""

    def __init__(
        self, recipe: Recipe, batches: Batches, tokens: Tokens, rest: Tensor, device: torch.device
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.tokens, self.device = recipe, tokens, device
        self.batches = Ahead(batches)
        self.half = device.type == "cuda" or bfloat16_is_fast()
        self.model = make_network(recipe.model).to(device)
        self.ema = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.names = [name for name, _ in self.model.named_parameters()]
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
        self.alpha_bar = torch.as_tensor(cosine_schedule().alpha_bar, dtype=torch.float32, device=device)
        mean, std = batches.statistics()
        self.mean, self.std, self.rest = (torch.as_tensor(x, device=device) for x in (mean, std, rest))
        self.step = 0

    def train_step(self) -> dict[str, float]:
        """One optimiser step; gives the loss terms, the gradient norm and the learning rate."""
        recipe = self.recipe
        torch.manual_seed(recipe.seed * 1_000_003 + self.step)
        batch = self.batches.batch(self.step)
        t = noise_steps(len(batch.captions), len(self.alpha_bar), recipe.noise_bias).to(self.device)
        keep = (torch.rand(len(t), 1) >= recipe.condition_dropout).to(self.device)
        rate = self.learning_rate(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        terms = self.terms(self.model, batch, t, keep)
        loss = total_loss(terms, recipe.losses)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip_norm)
        self.optimizer.step()
        self._average()
        self.step += 1
        values = {"total": loss, **terms, "gradient_norm": norm}
        return {name: float(value.detach()) for name, value in values.items()} | {"learning_rate": rate}

    def terms(
        self, model: Denoiser, batch: Batch, t: Tensor, keep: Tensor | float = 1.0
    ) -> dict[str, Tensor]:
        """Loss terms of a batch noised to steps t (B,); `keep` (B,1) is 0 where a prompt is hidden."""
        target = (torch.from_numpy(batch.features).to(self.device) - self.mean) / self.std
        mask = torch.from_numpy(batch.mask).to(self.device)
        tokens, token_mask = (torch.from_numpy(x).to(self.device) for x in self.tokens(batch.captions))
        noise = torch.randn(target.shape).to(self.device)
        alpha_bar = self.alpha_bar[t][:, None, None, None]
        noisy = alpha_bar.sqrt() * target + (1 - alpha_bar).sqrt() * noise
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            predicted = model(noisy, t, model.condition(tokens, token_mask) * keep)
        until = self.recipe.losses.geometry_until
        return loss_terms(predicted.float(), target, t, mask, self.mean, self.std, until)

    def learning_rate(self, step: int) -> float:
        """Linear warm-up, constant, then linear to zero over the last part of the run."""
        recipe = self.recipe
        decay = max(1.0, recipe.decay_fraction * recipe.steps)
        return recipe.learning_rate * min(
            1.0, (step + 1) / recipe.warmup, max(0.0, (recipe.steps - step) / decay)
        )

    def _average(self) -> None:
        decay = min(self.recipe.ema_decay, (1 + self.step) / (10 + self.step))  # short memory at the start
        with torch.no_grad():
            averaged: list[Tensor] = [*self.ema.parameters()]
            torch._foreach_lerp_(averaged, [*self.model.parameters()], 1 - decay)  # pyright: ignore[reportPrivateImportUsage]

    def save(self, path: Path) -> None:
        """Write a checkpoint that load() and training.export read."""
        tensors = {
            **with_prefix("model", self.model.state_dict()),
            **with_prefix("ema", self.ema.state_dict()),
            **with_prefix("optimizer", optimizer_tensors(self.optimizer, self.names)),
            **with_prefix("stats", {"mean": self.mean, "std": self.std, "rest": self.rest}),
        }
        save_checkpoint(path, tensors, self.step, self.recipe.to_dict())

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        tensors, step, recipe = load_checkpoint(path)
        if recipe["model"] != self.recipe.to_dict()["model"]:
            raise IntermambaError(
                f"{path} is of a model of another size: give another --out, or its own recipe."
            )
        self.step = step
        self.model.load_state_dict(below("model", tensors))
        self.ema.load_state_dict(below("ema", tensors))
        restore_optimizer(self.optimizer, self.names, below("optimizer", tensors))
        stats = below("stats", tensors)
        self.mean, self.std, self.rest = (stats[name].to(self.device) for name in ("mean", "std", "rest"))

    def start_from(self, bundle: Bundle) -> None:
        """Begin with the weights and statistics of a bundle: a small file to carry where a checkpoint is large."""
        weights = load_model(self.recipe.model, bundle.folder / WEIGHTS).state_dict()
        self.model.load_state_dict(weights)
        self.ema.load_state_dict(weights)
        stats = (bundle.mean, bundle.std, bundle.rest)
        self.mean, self.std, self.rest = (torch.as_tensor(x, device=self.device) for x in stats)


def noise_steps(count: int, total: int, bias: float) -> Tensor:
    """Diffusion steps (count,) as total (1 - u^bias), u uniform: all alike at bias 1, the noisiest oftener above."""
    return (total * (1 - torch.rand(count) ** bias)).long().clamp(max=total - 1)


def bfloat16_is_fast() -> bool:
    """Whether this CPU multiplies bfloat16 matrices itself; a step then takes 60 % of its time."""
    return (
        bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
        and "AVX512" in torch.backends.cpu.get_cpu_capability()
    )
