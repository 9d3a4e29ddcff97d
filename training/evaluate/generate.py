"""Motions that a bundle makes for captions, each kept in a file and never made twice."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from intermamba.engines.base import MIN_FRAMES, Engine, Request
from intermamba.errors import IntermambaError
from intermamba.files import atomic_write
from intermamba.motion.motion import load_motion, save_motion
from training.progress import counted

from .embedding import Footage
from .protocol import Protocol, look

MADE_BY = "made_by.json"


@dataclass(frozen=True)
class Order:
    """A motion to be made: its file, the request, and the real clip whose caption and length it has."""

    path: Path
    request: Request
    footage: Footage


@dataclass(frozen=True)
class Orders:
    """`sets` of one motion for each clip, and `rounds` of several motions for each of some captions."""

    sets: list[list[Order]]
    rounds: list[list[list[Order]]]

    def all(self) -> list[Order]:
        """Every order."""
        repeated = (order for groups in self.rounds for group in groups for order in group)
        return [*(order for orders in self.sets for order in orders), *repeated]


def identity(engine: Engine) -> dict[str, str]:
    """What tells a bundle from every other: its name and a digest of its config, which has those of its files."""
    config = json.dumps(engine.bundle.config, sort_keys=True)
    return {"bundle": engine.bundle.name, "config": hashlib.sha256(config.encode()).hexdigest()}


def draw_orders(real: Sequence[Footage], protocol: Protocol, longest: int, folder: Path, seed: int) -> Orders:
    """What to make: motions for captions of the clips, of the clips' lengths but `longest` frames at most."""

    def ask(where: tuple[int, ...], footage: Footage, rng: np.random.Generator, repeats: int) -> list[Order]:
        view, caption = look(footage, protocol, rng)
        frames = int(np.clip(view.frames, MIN_FRAMES, longest))
        orders = []
        for repeat in range(repeats):
            # 63 bits of what the place says: whatever else is made, a motion has the same seed
            drawn = int(np.random.SeedSequence((seed, *where, repeat)).generate_state(1, np.uint64)[0] >> 1)
            request = Request(prompt=caption, frames=frames, seed=drawn, **protocol.sampling)
            kind, turn, clip = where
            path = folder / f"{('set', 'round')[kind]}{turn:02}" / f"{clip:05}_{repeat:02}.npz"
            orders.append(Order(path, request, footage))
        return orders

    sets, rounds = [], []
    for turn in range(protocol.sets):
        rng = np.random.default_rng((seed, 3, turn))
        sets.append([ask((0, turn, i), footage, rng, 1)[0] for i, footage in enumerate(real)])
    for turn in range(protocol.rounds):
        rng = np.random.default_rng((seed, 4, turn))
        chosen = rng.permutation(len(real))[: protocol.texts]
        rounds.append([ask((1, turn, int(i)), real[i], rng, protocol.repeats) for i in chosen])
    return Orders(sets, rounds)


def make_motions(engine: Engine, orders: Orders, folder: Path) -> None:
    """Make the motion of every order whose file does not hold it yet.

    Raises IntermambaError when `folder`, in which they are, holds motions of another bundle.
    """
    _claim(folder, identity(engine))
    missing = [order for order in orders.all() if not _is_made(order, engine)]
    for order in counted(missing, "motions"):
        save_motion(order.path, engine.sample(order.request))


def _is_made(order: Order, engine: Engine) -> bool:
    if not order.path.is_file():
        return False
    motion, request = load_motion(order.path), order.request
    settings = request.settings(engine.bundle)
    kept = {name: motion.settings.get(name) for name in settings}
    return (motion.prompt, motion.frames, motion.seed, kept) == (
        request.prompt, request.frames, request.seed, settings,
    )  # fmt: skip


def _claim(folder: Path, mine: dict[str, str]) -> None:
    path = folder / MADE_BY
    if not path.is_file():
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(mine) + "\n", encoding="utf-8")
    elif json.loads(path.read_text(encoding="utf-8")) != mine:
        raise IntermambaError(f"{folder} holds motions of another bundle: give another --out, or delete it.")
