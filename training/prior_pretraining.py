"""The prior learns the mean motion of each caption before the denoiser takes its first step: plain regression.

Its loss is the denoiser's in pure noise: the terms that the mean of several motions answers best.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR

from intermamba.errors import IntermambaError
from intermamba.model.denoiser import Denoiser

from .clip_text import Tokens
from .data.batches import Batches
from .losses import LossWeights, loss_terms, total_loss
from .optimizers import make_optimizers
from .pretraining import descend
from .progress import counted

POOL = 100  # batches, gone through in turn
RATES = {torch.optim.AdamW: 2e-3, torch.optim.Muon: 6e-3}


@dataclass(frozen=True)
class Shown:
    """A batch as the prior sees it: conditions (B,C), clean features (B,2,T,F), and which frames count (B,T)."""

    condition: Tensor
    target: Tensor  # in half precision, for there are many
    mask: Tensor


def pretrain_prior(
    network: Denoiser,
    batches: Batches,
    tokens: Tokens,
    statistics: tuple[Tensor, Tensor],
    steps: int,
    dropout: float,
    losses: LossWeights,
    seed: int = 0,
    *,
    half: bool = True,
) -> float:
    """Train the network's prior on clean motion; gives the mean squared error, of normalised features, of the end.

    `statistics` are mean and deviation (F,); `dropout` is the share of prompts that are hidden, as in training;
    `half` computes in bfloat16.
    """
    prior = network.prior
    if prior is None:
        raise IntermambaError("This model has no prior: leave prior_steps at 0.")
    device = statistics[0].device
    numbers = counted(range(min(POOL, steps)), "batches of the prior")
    pool = [_shown(network, batches, tokens, statistics, number) for number in numbers]
    schedules = []
    for optimizer, _ in make_optimizers(prior, "muon", 0.0, weight_decay=0.0).parts:
        for group in optimizer.param_groups:
            group["lr"] = RATES[type(optimizer)]
        schedules.append(CosineAnnealingLR(optimizer, steps))
    torch.manual_seed(seed)
    patch = network.config.patch

    def loss(step: int) -> tuple[Tensor, Tensor]:
        shown = pool[step % len(pool)]
        target = shown.target.float()
        keep = (torch.rand(len(shown.condition), 1) >= dropout).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            mean = prior(shown.condition * keep, network.places(target.shape[2] // patch))
        noisiest = torch.full((len(target),), losses.geometry_until + 1, device=device)
        terms = loss_terms(
            mean.float().view_as(target),
            target,
            noisiest,
            shown.mask,
            *statistics,
            losses.geometry_until,
        )
        return total_loss(terms, losses), terms["diffusion"]

    return descend("prior", steps, schedules, loss)


@torch.no_grad()
def _shown(
    network: Denoiser, batches: Batches, tokens: Tokens, statistics: tuple[Tensor, Tensor], number: int
) -> Shown:
    mean, std = statistics
    batch = batches.batch(number)
    target = (torch.from_numpy(batch.features).to(mean.device) - mean) / std
    was_training = network.text.training
    told = (*tokens(batch.captions), batch.ways)
    network.text.eval()
    condition = network.condition(*(torch.from_numpy(x).to(mean.device) for x in told))
    network.text.train(was_training)
    return Shown(condition, target.half(), torch.from_numpy(batch.mask).to(mean.device))
