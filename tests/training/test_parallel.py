"""However a batch is shared, among processes or in parts, it is one step; a killed run goes on as if it were not."""

import dataclasses
import os
import random
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from safetensors.torch import load_file, save_file  # noqa: E402

from intermamba.errors import IntermambaError  # noqa: E402
from training.data.clips import load_clips  # noqa: E402
from training.parallel import joined, rank  # noqa: E402
from training.prepare import common_rest, make_batches  # noqa: E402
from training.train import train  # noqa: E402
from training.trainer import Trainer  # noqa: E402

from .test_data import write_folder  # noqa: E402
from .test_trainer import LetterEncoder, tiny_recipe  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
CPU = torch.device("cpu")


def make_trainer(folder, recipe, accumulate=1):
    clips = load_clips(folder)
    batches = make_batches(recipe, clips)
    batches.statistics = partial(batches.statistics, samples=30)
    return Trainer(recipe, batches, LetterEncoder().encode, common_rest(clips), CPU, accumulate)


def one_step(folder, accumulate=1):
    """Gradients and values of a step on a batch of 5 pairs; without dropout, which differs from part to part."""
    recipe = tiny_recipe(epochs=10, pairs_per_batch=5, clip_norm=1e9)
    recipe = dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, text_dropout=0.0))
    trainer = make_trainer(folder, recipe, accumulate)
    trainer.half = False
    values = trainer.train_step()
    gradients = {name: p.grad for name, p in trainer.model.named_parameters() if p.grad is not None}
    return gradients, values


def one_step_of_many(folder, out):
    """What each process of torchrun does."""
    with joined(CPU):
        gradients, values = one_step(folder, accumulate=2)
        if rank() == 0:
            tensors = {name: torch.tensor(value) for name, value in values.items()}
            save_file({**{f"gradient/{n}": g for n, g in gradients.items()}, **tensors}, out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("clips"), count=4)


@pytest.fixture(scope="module")
def alone(folder):
    return one_step(folder)


def assert_same(gradients, expected):
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(
            gradient, expected[name], rtol=1e-3, atol=1e-5 * float(expected[name].abs().max()) + 1e-9
        )


def python(code, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys\nfrom tests.training.test_parallel import *\n{code}", *arguments],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"} | environment,
    )


def test_parts_of_a_batch_make_the_step_of_the_whole(folder, alone):
    gradients, values = one_step(folder, accumulate=3)
    assert_same(gradients, alone[0])
    assert values == pytest.approx(alone[1], rel=1e-4, abs=1e-6)


@pytest.mark.timeout(600)  # Python starts anew, which takes its time on a busy machine
def test_two_processes_make_the_step_of_one(folder, alone, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    code = "one_step_of_many(Path(sys.argv[1]), Path(sys.argv[2]))"
    out = tmp_path / "step.safetensors"
    processes = [
        python(code, str(folder), str(out), RANK=str(n), LOCAL_RANK=str(n), **common) for n in range(2)
    ]
    assert [process.wait() for process in processes] == [0, 0]
    tensors = load_file(out)
    gradients = {n.removeprefix("gradient/"): t for n, t in tensors.items() if n.startswith("gradient/")}
    assert_same(gradients, alone[0])
    assert {name: float(tensors[name]) for name in alone[1]} == pytest.approx(alone[1], rel=1e-4, abs=1e-6)


def test_more_parts_than_pairs_are_refused(folder):
    with pytest.raises(IntermambaError, match="5 pairs cannot be shared"):
        one_step(folder, accumulate=6)


def short_run(data, out):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    recipe = tiny_recipe(epochs=8, pairs_per_batch=2, warmup=2, save_every=1)
    train(make_trainer(data, recipe), out)
    torch.set_num_threads(threads)


def curve(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder)).Reload()
    return {
        name: [(event.step, event.value) for event in events.Scalars(name)]
        for name in ("total", "gradient_norm", "learning_rate")
    }


@pytest.mark.timeout(600)  # Python starts anew, which takes its time on a busy machine
def test_a_killed_run_goes_on_to_the_same_curve(folder, tmp_path):
    checkpoint = tmp_path / "killed" / "last.safetensors"
    short_run(folder, tmp_path / "whole")
    code = "short_run(Path(sys.argv[1]), Path(sys.argv[2]))"
    killed = python(code, str(folder), str(tmp_path / "killed"))
    moment = random.uniform(0, 0.02)  # seconds after one of the checkpoints
    seen = set()
    for _ in range(random.randint(1, 4)):
        count = len(seen)
        while len(seen) == count and killed.poll() is None:
            time.sleep(0.001)
            seen |= {checkpoint.stat().st_mtime_ns} if checkpoint.exists() else set()
    time.sleep(moment)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL, "the run has ended before it was killed"
    short_run(folder, tmp_path / "killed")
    expected, found = curve(tmp_path / "whole"), curve(tmp_path / "killed")
    assert [step for step, _ in expected["total"]] == [*range(1, 33)]
    assert found == expected, f"killed {moment:.3f} s after checkpoint {len(seen)}"
    files = [load_file(tmp_path / name / "last.safetensors") for name in ("whole", "killed")]
    assert files[0].keys() == files[1].keys()
    for name in files[0]:
        np.testing.assert_array_equal(files[0][name], files[1][name], err_msg=name)
    assert [path.name for path in (tmp_path / "killed").glob(".*")] == []
