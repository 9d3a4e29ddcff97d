"""What training and sampling cost on this GPU: light, full and mini beside the transformer baseline.

    python tools/gpu/measure.py [-o gpu.md] [--models light full mini transformer] [--pairs 50] [--frames 300]

Training is the trainer's own step in bfloat16 on made-up clips, with all losses and AdamW; sampling is 50 steps of DDIM
with guidance for one pair, in bfloat16 too. Random weights. Prints a Markdown table.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from intermamba.diffusion.guidance import guided
from intermamba.diffusion.samplers import ddim
from intermamba.diffusion.schedule import cosine_schedule
from intermamba.model.config import ModelConfig, full, light, mini, transformer
from intermamba.model.network import make_network
from intermamba.model.scan import best_form
from tests.clips import synthetic_pair
from training.data.clips import Clip
from training.dry_run import peak_memory
from training.prepare import common_rest, make_batches
from training.recipe import Recipe
from training.trainer import Tokens, Trainer

MODELS = {"light": light(), "full": full(), "mini": mini(), "transformer": transformer()}
WORDS = 77
GUIDANCE = 3.5


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--steps", type=int, default=20, help="timed training steps")
    parser.add_argument("--sampling", type=int, default=50, help="steps of the sampler")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE.md")
    options = parser.parse_args()
    device = torch.device(options.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    scan = best_form(device, "mamba_ssm")
    lines = [
        f"{name}, torch {torch.__version__}, scan: {scan}; {options.pairs} pairs of {options.frames} frames.",
        "",
        "| model | parameters, 10⁶ | training steps/s | pairs/s | GiB | seconds of a sample | GiB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for model in options.models:
        config = replace(MODELS[model], max_frames=max(MODELS[model].max_frames, options.frames))
        cells = [f"{sum(p.numel() for p in make_network(config).parameters()) / 1e6:.1f}"]
        cells += _or_too_large(train, config, options.pairs, options.frames, options.steps, device)
        cells += _or_too_large(sample, config, options.frames, options.sampling, device)
        lines.append(f"| {model} | {' | '.join(cells)} |")
        print(lines[-1], file=sys.stderr, flush=True)
    text = "\n".join(lines)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    return 0


def train(config: ModelConfig, pairs: int, frames: int, steps: int, device: torch.device) -> list[str]:
    """Steps a second, pairs a second and GiB of the trainer's steps."""
    recipe = Recipe(
        name="measure", model=config, epochs=10**6, pairs_per_batch=pairs, shortest=frames, longest=frames,
        mirror=False, learning_rate=1e-4, clip_norm=0.5, ema_decay=0.0,
    )  # fmt: skip
    clips = [_clip(seed, frames) for seed in range(pairs)]
    batches = make_batches(recipe, clips)
    batches.statistics = lambda: (np.zeros(config.features, np.float32), np.ones(config.features, np.float32))
    trainer = Trainer(recipe, batches, _tokens(config), common_rest(clips), device)
    _reset(device)
    for _ in range(3):
        trainer.train_step()
    started = time.perf_counter()
    for _ in range(steps):
        trainer.train_step()  # ends with a value read from the device: nothing is left to wait for
    per_second = steps / (time.perf_counter() - started)
    return [f"{per_second:.2f}", f"{per_second * pairs:.0f}", f"{peak_memory(device):.1f}"]


@torch.inference_mode()
def sample(config: ModelConfig, frames: int, steps: int, device: torch.device) -> list[str]:
    """Seconds and GiB of a sample with guidance."""
    network = make_network(config).eval().to(device)
    cond = torch.randn(1, config.condition_width, device=device)
    both = torch.cat((cond, torch.zeros_like(cond)))

    def denoise(x: torch.Tensor, t: int) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            x_0 = network(torch.cat((x, x)), torch.full((2,), t, device=device), both)
        return guided(x_0.float(), GUIDANCE)

    x_T = torch.randn(1, 2, frames, config.features, device=device)
    _reset(device)
    seconds = []
    for _ in range(3):  # the first warms up
        started = time.perf_counter()
        ddim(denoise, x_T, cosine_schedule(), steps=steps).sum().item()
        seconds.append(time.perf_counter() - started)
    return [f"{min(seconds[1:]):.3f}", f"{peak_memory(device):.1f}"]


def _or_too_large(measure, *arguments) -> list[str]:  # noqa: ANN001
    """The figures, or that they did not fit."""
    try:
        return measure(*arguments)
    except torch.cuda.OutOfMemoryError:
        return ["out of memory", *([""] * (2 if measure is train else 1))]


def _reset(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def _tokens(config: ModelConfig) -> Tokens:
    features = np.random.default_rng(0).normal(size=(WORDS, config.text_width)).astype(np.float32)

    def tokens(captions: list[str]) -> tuple[np.ndarray, np.ndarray]:
        return np.repeat(features[None], len(captions), 0), np.ones((len(captions), WORDS), bool)

    return tokens


def _clip(seed: int, frames: int) -> Clip:
    motion = synthetic_pair(frames + 1, seed % 4)
    good = np.ones(frames + 1, bool)
    return Clip(str(seed), motion.joints, motion.rotations, motion.rest, good, ("Two people dance.",))


if __name__ == "__main__":
    sys.exit(main())
