"""The training loop: one process or many, CPU or CUDA, resumable at any step to the same losses."""

import copy
import math
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from intermamba.bundles.bundle import WEIGHTS, Bundle
from intermamba.diffusion.schedule import cosine_schedule
from intermamba.errors import IntermambaError
from intermamba.model.config import ModelConfig
from intermamba.model.denoiser import Denoiser
from intermamba.model.network import make_network
from intermamba.model.weights import load_model

from .checkpoint import (
    below,
    load_checkpoint,
    save_checkpoint,
    with_prefix,
)
from .clip_text import Tokens
from .data.batches import Ahead, Batch, Batches
from .losses import loss_terms, total_loss
from .optimizers import Optimizers, make_optimizers
from .parallel import rank, summed, world
from .prior_pretraining import pretrain_prior
from .recipe import Recipe
from .text_pretraining import Lesson, pretrain_text


class Prompted(nn.Module):
    """A network and its text transformer in one call, as DistributedDataParallel needs them."""

    def __init__(self, network: Denoiser) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        noisy: Tensor,
        t: Tensor,
        tokens: Tensor,
        token_mask: Tensor,
        way: Tensor,
        keep: Tensor | float,
    ) -> Tensor:
        """The prediction of x_0; `keep` (B,1) is 0 where a prompt is hidden."""
        return self.network(noisy, t, self.network.condition(tokens, token_mask, way) * keep)


class Trainer:
    """Holds the network, its moving average, the optimiser and the step."""

    def __init__(
        self,
        recipe: Recipe,
        batches: Batches,
        tokens: Tokens,
        rest: Tensor,
        device: torch.device,
        accumulate: int = 1,
    ) -> None:
        """A batch goes through the network in `accumulate` parts, one after another: less memory, the same step."""
        torch.manual_seed(recipe.seed)
        self.recipe, self.tokens, self.device, self.accumulate = recipe, tokens, device, accumulate
        self.batches = Ahead(batches, slice(rank(), None, world()))
        self.per_epoch = batches.per_epoch
        self.steps = (recipe.epochs or recipe.steps) * self.per_epoch
        self.save_every = recipe.save_every * self.per_epoch
        self.half = device.type == "cuda" or bfloat16_is_fast()
        self.model = make_network(recipe.model).to(device)
        averaged = recipe.ema_decay > 0
        self.ema = copy.deepcopy(self.model).requires_grad_(False).eval() if averaged else self.model
        self.denoiser: nn.Module = Prompted(self.model)
        if world() > 1:
            self.denoiser = DistributedDataParallel(self.denoiser, broadcast_buffers=False)
        self.optimizers = self._optimizers()
        self.alpha_bar = torch.as_tensor(cosine_schedule().alpha_bar, dtype=torch.float32, device=device)
        mean, std = batches.statistics()
        self.mean, self.std, self.rest = (torch.as_tensor(x, device=device) for x in (mean, std, rest))
        self.step = 0

    def train_step(self) -> dict[str, float]:
        """One optimiser step; gives the loss terms, the gradient norm and the learning rate.

        What is random is drawn for the whole batch, of which every process and part takes its rows: however many
        there are, theirs is the step that one alone would take.
        """
        recipe = self.recipe
        torch.manual_seed(self._seed())
        batch = self.batches.batch(self.step)
        if batch.size < world() * self.accumulate:
            raise IntermambaError(
                f"{batch.size} pairs cannot be shared by {world()} processes of {self.accumulate} parts: use fewer."
            )
        t = noise_steps(batch.size, len(self.alpha_bar), recipe.noise_bias).to(self.device)
        keep = (torch.rand(batch.size, 1) >= recipe.condition_dropout).to(self.device)
        noise = torch.randn((batch.size, *batch.features.shape[1:]), device=self.device)
        rate = self.learning_rate(self.step)
        self.model.train()
        self.optimizers.zero_grad()
        parts = [self._backward(batch, part, t, keep, noise) for part in range(self.accumulate)]
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip_norm))
        if math.isfinite(norm):  # in a run of weeks, a step that overflowed is better left out
            self.optimizers.step(rate)
            self._average()
        self.step += 1
        sums = summed(torch.stack([torch.stack([*terms.values()]) for terms in parts]).sum(0))
        values = dict(zip(parts[0], sums, strict=True))
        values = {"total": total_loss(values, recipe.losses), **values}
        return {name: float(value) for name, value in values.items()} | {
            "gradient_norm": norm,
            "learning_rate": rate,
        }

    def _backward(self, batch: Batch, part: int, t: Tensor, keep: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """Add the gradient of one part of this process's rows; `t`, `keep` and `noise` are the whole batch's."""
        rows = slice(rank() + world() * part, None, world() * self.accumulate)
        if rows.start:  # another dropout than in the other parts
            torch.manual_seed(self._seed() + (rows.start << 40))
        unfinished = isinstance(self.denoiser, DistributedDataParallel) and part < self.accumulate - 1
        with self.denoiser.no_sync() if unfinished else nullcontext():  # pyright: ignore[reportCallIssue]
            own = batch.part(slice(part, None, self.accumulate))
            terms = self.terms(self.denoiser, own, t[rows], keep[rows], noise[rows], t)
            (total_loss(terms, self.recipe.losses) * world()).backward()  # the processes' mean is taken of it
        return {name: value.detach() for name, value in terms.items()}

    def terms(
        self,
        denoiser: nn.Module,
        batch: Batch,
        t: Tensor,
        keep: Tensor | float = 1.0,
        noise: Tensor | None = None,
        whole_t: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Loss terms of a batch noised to steps t (B,); `keep` (B,1) is 0 where a prompt is hidden.

        `noise` (B,2,T,262) is drawn where it is not given; `whole_t` is for a part of a batch, see loss_terms.
        """
        target = (torch.from_numpy(batch.features).to(self.device) - self.mean) / self.std
        mask = torch.from_numpy(batch.mask).to(self.device)
        tokens, token_mask = (torch.from_numpy(x).to(self.device) for x in self.tokens(batch.captions))
        way = torch.from_numpy(batch.ways).to(self.device)
        noise = torch.randn(target.shape, device=self.device) if noise is None else noise
        alpha_bar = self.alpha_bar[t][:, None, None, None]
        noisy = alpha_bar.sqrt() * target + (1 - alpha_bar).sqrt() * noise
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            predicted = denoiser(noisy, t, tokens, token_mask, way, keep)
        until = self.recipe.losses.geometry_until
        return loss_terms(predicted.float(), target, t, mask, self.mean, self.std, until, whole_t)

    def prepare(self, lessons: Sequence[Lesson]) -> None:
        """Before the first step: what captions may describe, and what each asks for on average."""
        recipe = self.recipe
        if recipe.text_steps:
            pretrain_text(self.model.text, lessons, recipe.text_steps, recipe.seed, half=self.half)
        if recipe.prior_steps:
            of_data, statistics = self.batches.batches, (self.mean, self.std)
            pretrain_prior(
                self.model,
                of_data,
                self.tokens,
                statistics,
                recipe.prior_steps,
                recipe.condition_dropout,
                recipe.losses,
                recipe.seed,
                half=self.half,
            )
        if world() > 1:
            for parameter in self.model.parameters():
                dist.broadcast(parameter.data, 0)
        self.ema.load_state_dict(self.model.state_dict())

    def learning_rate(self, step: int) -> float:
        """Linear warm-up, then the recipe's schedule; in a run of epochs it changes between them alone."""
        recipe, now = self.recipe, step // self.per_epoch
        end = recipe.epochs or recipe.steps
        warm = min(1.0, (now + 1) / max(1, recipe.warmup))
        if recipe.schedule == "cosine":
            return recipe.learning_rate * warm * (1 + math.cos(math.pi * now / end)) / 2
        return recipe.learning_rate * min(warm, max(0.0, (end - now) / max(1.0, recipe.decay_fraction * end)))

    def _optimizers(self, state: dict[str, Tensor] | None = None) -> Optimizers:
        rates = self.recipe.learning_rate, self.recipe.weight_decay, self.recipe.text_factor
        return make_optimizers(self.model, self.recipe.optimizer, *rates, state)

    def _seed(self) -> int:
        return self.recipe.seed * 1_000_003 + self.step

    def _average(self) -> None:
        if self.ema is self.model:
            return
        decay = min(self.recipe.ema_decay, (1 + self.step) / (10 + self.step))  # short memory at the start
        with torch.no_grad():
            averaged: list[Tensor] = [*self.ema.parameters()]
            torch._foreach_lerp_(averaged, [*self.model.parameters()], 1 - decay)  # pyright: ignore[reportPrivateImportUsage]

    def save(self, path: Path) -> None:
        """Write a checkpoint that load() and training.export read."""
        tensors = {
            **({} if self.ema is self.model else with_prefix("model", self.model.state_dict())),
            **with_prefix("ema", self.ema.state_dict()),
            **with_prefix("optimizer", self.optimizers.tensors()),
            **with_prefix("stats", {"mean": self.mean, "std": self.std, "rest": self.rest}),
        }
        save_checkpoint(path, tensors, self.step, self.recipe.to_dict())

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        tensors, step, recipe = load_checkpoint(path)
        other = IntermambaError(
            f"{path} is of a model of another size: give another --out, or its own recipe."
        )
        if ModelConfig.from_json(recipe["model"]) != self.recipe.model:
            raise other
        if (before := recipe.get("optimizer", "adamw")) != self.recipe.optimizer:
            raise IntermambaError(
                f"{path} was trained with {before}: give another --out, and --bundle to start from its weights."
            )
        try:
            self.ema.load_state_dict(below("ema", tensors))
            self.model.load_state_dict(below("model", tensors) or below("ema", tensors))
        except RuntimeError as error:  # the same settings, in code of another version
            raise other from error
        self.step = step
        self.optimizers = self._optimizers(below("optimizer", tensors))
        stats = below("stats", tensors)
        self.mean, self.std, self.rest = (stats[name].to(self.device) for name in ("mean", "std", "rest"))

    def start_from(self, bundle: Bundle) -> bool:
        """Begin with the weights and statistics of a bundle: a small file to carry where a checkpoint is large.

        Weights that the bundle lacks, or has in another shape, begin as they are; a line on standard error counts them.
        Gives whether there were none of them.
        """
        config = ModelConfig.from_json(bundle.config["model"])
        own = self.model.state_dict()
        weights = load_model(config, bundle.folder / WEIGHTS).state_dict()
        fitting = {name: w for name, w in weights.items() if name in own and w.shape == own[name].shape}
        self.model.load_state_dict(own | fitting)
        if new := own.keys() - fitting.keys():
            print(
                f"training: {bundle.folder} lacks {len(new)} of {len(own)} weights; they begin anew.",
                file=sys.stderr,
            )
        self.ema.load_state_dict(self.model.state_dict())
        stats = (bundle.mean, bundle.std, bundle.rest)
        self.mean, self.std, self.rest = (torch.as_tensor(x, device=self.device) for x in stats)
        return not new


def noise_steps(count: int, total: int, bias: float) -> Tensor:
    """Diffusion steps (count,) as total (1 - u^bias), u uniform: all alike at bias 1, the noisiest oftener above."""
    return (total * (1 - torch.rand(count) ** bias)).long().clamp(max=total - 1)


def bfloat16_is_fast() -> bool:
    """Whether this CPU multiplies bfloat16 matrices itself; a step then takes 60 % of its time."""
    return (
        bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
        and "AVX512" in torch.backends.cpu.get_cpu_capability()
    )
