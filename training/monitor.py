"""What a run shows while it goes on: the loss on clips that it never sees, and a sample to look at."""

import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter

from intermamba.diffusion.guidance import guided
from intermamba.diffusion.samplers import dpmpp_2m
from intermamba.diffusion.schedule import cosine_schedule
from intermamba.engines.base import noise
from intermamba.motion.reconstruct import reconstruct
from intermamba.render.sheet import draw_sheet

from .data.batches import Batch, Batches
from .trainer import Prompted, Trainer

BATCHES = 3
GUIDANCE, STEPS, FRAMES = 3.0, 20, 120
PROMPT_STEP = 990


class Monitor:
    """Judges the moving average of a trainer's network, always on the same batches and the same noise."""

    def __init__(self, trainer: Trainer, held_out: Batches) -> None:
        self.trainer = trainer
        self.denoiser = Prompted(trainer.ema)
        self.batches = [held_out.batch(step) for step in range(BATCHES)]

    @torch.no_grad()
    def log(self, curves: SummaryWriter) -> dict[str, float]:
        """Write the loss terms on the held-out batches and a picture of a sample; gives the terms."""
        state = torch.get_rng_state()
        self.denoiser.eval()
        totals: dict[str, float] = {}
        for index, batch in enumerate(self.batches):
            torch.manual_seed(index)
            t = torch.linspace(20, 980, len(batch.captions)).long().to(self.trainer.device)
            for name, value in self.trainer.terms(self.denoiser, batch, t).items():
                totals[name] = totals.get(name, 0.0) + float(value) / BATCHES
            totals["prompt"] = totals.get("prompt", 0.0) + self._prompt_tells(batch) / BATCHES
        torch.set_rng_state(state)
        for name, value in totals.items():
            curves.add_scalar(f"held out/{name}", value, self.trainer.step)
        captions = self.batches[0].captions[:8]
        caption = captions[self.trainer.step // self.trainer.save_every % len(captions)]
        curves.add_image("sample", self._sample(caption), self.trainer.step, dataformats="HWC")
        return totals

    def _prompt_tells(self, batch: Batch) -> float:
        """How much of the diffusion term, in noise that hides which interaction it is, the prompt takes away."""
        t = torch.full((len(batch.captions),), PROMPT_STEP, device=self.trainer.device)
        hidden, told = (self.trainer.terms(self.denoiser, batch, t, keep)["diffusion"] for keep in (0.0, 1.0))
        return float(1 - told / hidden)

    def _sample(self, caption: str) -> np.ndarray:
        """A contact sheet (height, width, 3) of what the network makes of a caption."""
        trainer = self.trainer
        tokens, mask = (torch.from_numpy(x).to(trainer.device) for x in trainer.tokens([caption]))
        way = torch.zeros(1, dtype=torch.int64, device=trainer.device)
        with torch.no_grad():
            cond = trainer.ema.condition(tokens, mask, way)
        cond = torch.cat([cond, torch.zeros_like(cond)])

        def denoise(x: np.ndarray, t: int) -> np.ndarray:
            both = torch.from_numpy(np.concatenate([x, x])).to(trainer.device)
            with torch.no_grad():
                pair = trainer.ema(both, torch.full((2,), t, device=trainer.device), cond)
            return guided(pair.float().cpu().numpy(), GUIDANCE)

        frames = min(FRAMES, trainer.recipe.model.max_frames)
        x_0 = dpmpp_2m(denoise, noise(0, frames), cosine_schedule(), steps=STEPS)[0]
        features = x_0 * trainer.std.cpu().numpy() + trainer.mean.cpu().numpy()
        motion = reconstruct(features, trainer.rest.cpu().numpy(), 30.0)
        return np.asarray(draw_sheet(motion, pictures=8, columns=8, cell=(160, 200)))
