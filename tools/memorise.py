"""Whether training can learn at all: `light` at reduced width has to know 8 clips by heart.

    python tools/memorise.py [--width 64] [--steps 500]

Ends with the first 50 steps whose mean diffusion loss is under 0.01, and fails where none are. The clips are half a
second of made-up dances, a caption each; every step sees all 8, neither mirrored nor exchanged.
"""

import argparse
import sys
import time
from collections import deque
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from intermamba.model.config import light
from intermamba.motion.kinematics import fit_rotations, measure_rest
from tests.clips import synthetic_pair
from training.data.clips import Clip
from training.losses import LossWeights
from training.prepare import common_rest, make_batches
from training.recipe import Recipe
from training.trainer import Trainer

CLIPS, FRAMES, TEXT = 8, 16, 32
GOAL, MEAN_OF = 0.01, 50


def main() -> int:
    """Train until the clips are known."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--steps", type=int, default=500)
    options = parser.parse_args()
    trainer = make_trainer(options.width, options.steps)
    losses: deque[float] = deque(maxlen=MEAN_OF)
    started = time.process_time()
    while trainer.step < options.steps:
        losses.append(trainer.train_step()["diffusion"])
        if trainer.step % MEAN_OF == 0:
            mean = sum(losses) / len(losses)
            print(
                f"step {trainer.step}: {mean:.4f}, {time.process_time() - started:.0f} s of CPU", flush=True
            )
            if mean < GOAL:
                return 0
    print(f"The loss has not fallen under {GOAL}.")
    return 1


def make_trainer(width: int, steps: int) -> Trainer:
    """A trainer of `light` at another width, on the clips alone."""
    model = replace(
        light(), width=width, text_width=TEXT, condition_width=TEXT, text_layers=1, text_ff=64, text_dropout=0.0,
        max_frames=FRAMES,
    )  # fmt: skip
    recipe = Recipe(
        name="memorise", model=model, losses=LossWeights(velocity=0, foot=0, bone=0, distance_map=0, orientation=0),
        epochs=steps, pairs_per_batch=CLIPS, shortest=FRAMES, longest=FRAMES, mirror=False, swap=False,
        learning_rate=3e-3, schedule="cosine", warmup=20, ema_decay=0.0, condition_dropout=0.0,
    )  # fmt: skip
    clips = [_clip(seed) for seed in range(CLIPS)]
    return Trainer(recipe, make_batches(recipe, clips), tokens, common_rest(clips), torch.device("cpu"))


def tokens(captions: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """A random token that stands for each caption, which is a number."""
    rows = [np.random.default_rng(int(caption)).normal(size=(1, TEXT)) for caption in captions]
    return np.stack(rows).astype(np.float32), np.ones((len(rows), 1), bool)


def _clip(seed: int) -> Clip:
    joints = synthetic_pair(FRAMES + 1, seed).joints
    rest = np.stack([measure_rest(j) for j in joints])
    rotations = np.stack([fit_rotations(j, r) for j, r in zip(joints, rest, strict=True)])
    return Clip(
        id=str(seed),
        joints=joints.astype(np.float32),
        rotations=rotations.astype(np.float32),
        rest=rest.astype(np.float32),
        good=np.ones(FRAMES + 1, bool),
        captions=(str(seed),),
    )


if __name__ == "__main__":
    sys.exit(main())
