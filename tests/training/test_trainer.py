"""The trainer learns, and a run that was stopped goes on as if it had not been."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from intermamba.errors import IntermambaError  # noqa: E402
from training.checkpoint import load_checkpoint  # noqa: E402
from training.data.clips import load_clips  # noqa: E402
from training.model_card import model_card  # noqa: E402
from training.recipe import load_recipe, release_of  # noqa: E402
from training.train import common_rest, make_batches, run  # noqa: E402
from training.trainer import Trainer, noise_steps  # noqa: E402

from .test_data import write_folder  # noqa: E402


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return load_clips(write_folder(tmp_path_factory.mktemp("clips")))


def tiny_recipe(**changes):
    recipe = load_recipe("duet-mini")
    model = dataclasses.replace(
        recipe.model, width=16, blocks=1, state=4, text_layers=1, text_heads=2, text_ff=32
    )
    small = {"shortest": 16, "longest": 32, "frames_per_batch": 64, "steps": 40, "warmup": 5}
    return dataclasses.replace(recipe, model=model, **(small | changes))


def trainer(clips, **changes):
    recipe = tiny_recipe(**changes)

    def tokens(captions):
        rng = np.random.default_rng(len(captions))
        return rng.normal(size=(len(captions), 5, 384)).astype(np.float32), np.ones((len(captions), 5), bool)

    return Trainer(recipe, make_batches(recipe, clips), tokens, common_rest(clips), torch.device("cpu"))


def test_a_resumed_run_has_the_losses_of_one_that_was_not_stopped(clips, tmp_path):
    whole = trainer(clips)
    losses = [whole.train_step() for _ in range(6)]
    stopped = trainer(clips)
    for _ in range(3):
        stopped.train_step()
    stopped.save(tmp_path / "last.safetensors")
    resumed = trainer(clips)
    resumed.load(tmp_path / "last.safetensors")
    assert [resumed.train_step() for _ in range(3)] == losses[3:]


def test_training_lowers_the_loss(clips):
    fresh = trainer(clips, learning_rate=3e-3)
    losses = [fresh.train_step()["diffusion"] for _ in range(40)]
    assert np.mean(losses[-8:]) < 0.9 * np.mean(losses[:8])


def test_a_bias_trains_high_noise_more():
    torch.manual_seed(0)
    even, biased = noise_steps(20_000, 1000, 1.0), noise_steps(20_000, 1000, 2.5)
    for steps, share in ((even, 0.03), (biased, 0.03 ** (1 / 2.5))):
        assert steps.min() >= 0
        assert steps.max() <= 999
        assert (steps >= 970).double().mean() == pytest.approx(share, rel=0.1)


def test_the_learning_rate_warms_up_holds_and_falls_to_zero(clips):
    fresh = trainer(clips, decay_fraction=0.3)
    rates = [fresh.learning_rate(step) / fresh.recipe.learning_rate for step in (0, 4, 20, 34, 40)]
    assert rates == pytest.approx([0.2, 1, 1, 0.5, 0])


def test_a_checkpoint_of_another_size_is_refused(clips, tmp_path):
    trainer(clips).save(tmp_path / "last.safetensors")
    larger = trainer(clips)
    model = dataclasses.replace(larger.recipe.model, state=8)
    larger.recipe = dataclasses.replace(larger.recipe, model=model)
    with pytest.raises(IntermambaError, match="another size"):
        larger.load(tmp_path / "last.safetensors")


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "last.safetensors").write_bytes(b"not a checkpoint")
    with pytest.raises(IntermambaError, match=r"last\.safetensors"):
        load_checkpoint(tmp_path / "last.safetensors")


def test_an_unknown_recipe_lists_the_known_ones():
    with pytest.raises(IntermambaError, match="duet-mini"):
        load_recipe("no-such")


class LetterEncoder:
    """Stands in for the text encoder: a token a letter."""

    def encode(self, prompts):
        tokens = np.zeros((len(prompts), max(map(len, prompts)), 384), np.float32)
        mask = np.zeros(tokens.shape[:2], bool)
        for row, prompt in enumerate(prompts):
            tokens[row, range(len(prompt)), [ord(letter) % 384 for letter in prompt]] = 1
            mask[row, : len(prompt)] = True
        return tokens, mask


def test_a_run_saves_resumes_and_writes_its_curves(tmp_path):
    (tmp_path / "data").mkdir()
    write_folder(tmp_path / "data")
    out, device = tmp_path / "run", torch.device("cpu")
    for steps in (2, 3):
        recipe = tiny_recipe(shares={".": 1.0}, held_out=".", steps=steps, save_every=2)
        run(recipe, tmp_path / "data", out, device, LetterEncoder())
        tensors, step, recipe = load_checkpoint(out / "last.safetensors")
        assert step == steps
        assert recipe["name"] == "duet-mini"
    assert {name.split("/")[0] for name in tensors} == {"model", "ema", "optimizer", "stats"}
    assert list(out.glob("events.out.tfevents.*"))


def test_release_and_card_say_what_a_user_may_do():
    release = release_of("duet-mini")
    config = {
        **dataclasses.asdict(release),
        **{"name": "duet-mini", "version": "1", "model": dataclasses.asdict(tiny_recipe().model)},
        **{"fps": 30, "max_frames": 300, "text_encoder": "MiniLM", "steps_trained": 5, "git_commit": "abc"},
        "defaults": {"steps": 20, "guidance": 3.5, "sampler": "dpm++"},
    }
    card = model_card(config)
    assert release.licence in card
    assert "mocap.cs.cmu.edu" in card
