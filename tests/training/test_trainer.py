"""The trainer learns, and a run that was stopped goes on as if it had not been."""

import dataclasses
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from intermamba.bundles.bundle import WEIGHTS, Bundle  # noqa: E402
from intermamba.errors import IntermambaError  # noqa: E402
from intermamba.model.config import full, transformer  # noqa: E402
from intermamba.model.network import make_network  # noqa: E402
from intermamba.model.weights import save_weights  # noqa: E402
from training.checkpoint import load_checkpoint  # noqa: E402
from training.data.batches import Batch  # noqa: E402
from training.data.clips import load_clips  # noqa: E402
from training.dry_run import dry_run  # noqa: E402
from training.model_card import model_card  # noqa: E402
from training.prepare import common_rest, make_batches  # noqa: E402
from training.prior_pretraining import _shown  # noqa: E402
from training.recipe import load_recipe, release_of  # noqa: E402
from training.train import main, run, with_settings  # noqa: E402
from training.trainer import Trainer, noise_steps  # noqa: E402

from .test_data import write_folder  # noqa: E402


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return load_clips(write_folder(tmp_path_factory.mktemp("clips")))


def tiny_recipe(**changes):
    recipe = load_recipe("duet-mini")
    small = {
        "model": dataclasses.replace(
            recipe.model, width=16, blocks=1, state=4, text_layers=1, text_heads=2, text_ff=32, prior=8
        ),
        "shortest": 16,
        "longest": 32,
        "frames_per_batch": 64,
        "steps": 40,
        "warmup": 5,
        "text_steps": 0,
        "prior_steps": 0,
        "learns": (),
        "mirror": True,
    }
    return dataclasses.replace(recipe, **(small | changes))


def trainer(clips, **changes):
    recipe = tiny_recipe(**changes)

    def tokens(captions):
        rng = np.random.default_rng(len(captions))
        return rng.normal(size=(len(captions), 5, 384)).astype(np.float32), np.ones((len(captions), 5), bool)

    batches = make_batches(recipe, clips)
    batches.statistics = partial(batches.statistics, samples=30)
    return Trainer(recipe, batches, tokens, common_rest(clips), torch.device("cpu"))


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_resumed_run_has_the_losses_of_one_that_was_not_stopped(clips, tmp_path, optimizer):
    whole = trainer(clips, optimizer=optimizer)
    losses = [whole.train_step() for _ in range(6)]
    stopped = trainer(clips, optimizer=optimizer)
    for _ in range(3):
        stopped.train_step()
    stopped.save(tmp_path / "last.safetensors")
    resumed = trainer(clips, optimizer=optimizer)
    resumed.load(tmp_path / "last.safetensors")
    assert [resumed.train_step() for _ in range(3)] == losses[3:]


def test_a_run_of_another_optimizer_is_not_resumed(clips, tmp_path):
    trainer(clips, optimizer="adamw").save(tmp_path / "last.safetensors")
    with pytest.raises(IntermambaError, match="was trained with adamw"):
        trainer(clips, optimizer="muon").load(tmp_path / "last.safetensors")


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


def test_a_cosine_falls_from_epoch_to_epoch(clips):
    fresh = trainer(clips, epochs=10, pairs_per_batch=2, schedule="cosine", warmup=2)
    assert fresh.per_epoch == 2
    assert fresh.steps == 20
    rates = [fresh.learning_rate(step) / fresh.recipe.learning_rate for step in (0, 1, 2, 3, 10, 19, 20)]
    ninth = (1 + np.cos(0.9 * np.pi)) / 2
    second = (1 + np.cos(0.1 * np.pi)) / 2
    assert rates == pytest.approx([0.5, 0.5, second, second, 0.5, ninth, 0])


def test_without_an_average_the_trained_weights_are_the_bundle_s(clips, tmp_path):
    fresh = trainer(clips, ema_decay=0.0)
    fresh.train_step()
    fresh.save(tmp_path / "last.safetensors")
    tensors, _, _ = load_checkpoint(tmp_path / "last.safetensors")
    assert not any(name.startswith("model/") for name in tensors)
    for name, weight in fresh.model.state_dict().items():
        assert torch.equal(tensors[f"ema/{name}"], weight)
    for decay in (0.0, 0.9):  # a run may take up an average later
        resumed = trainer(clips, ema_decay=decay)
        resumed.load(tmp_path / "last.safetensors")
        for network in (resumed.model, resumed.ema):
            assert torch.equal(network.in_proj.weight, fresh.model.in_proj.weight)
    expected = fresh.train_step()
    assert resumed.train_step() == expected


def test_a_step_that_overflows_is_left_out(clips, monkeypatch):
    fresh = trainer(clips)
    before = fresh.model.out_proj.bias.detach().clone()
    with monkeypatch.context() as patch:
        patch.setattr(fresh, "mean", fresh.mean * float("nan"))
        assert np.isnan(fresh.train_step()["gradient_norm"])
    assert torch.equal(fresh.model.out_proj.bias, before)
    assert np.isfinite(fresh.train_step()["total"])


def test_a_dry_run_tells_memory_and_time(clips, capsys, monkeypatch):
    monkeypatch.setattr("training.dry_run.MEASURED", 3)
    fresh = trainer(clips)
    figures = dry_run(fresh)
    assert figures["parameters"] == sum(p.numel() for p in fresh.model.parameters())
    assert figures["hours"] * 3600 * figures["steps per second"] == pytest.approx(fresh.steps)
    assert figures["GiB"] > 0.01
    assert "hours" in capsys.readouterr().out


def test_the_paper_s_recipes_have_its_settings():
    for name in ("interhuman-full", "interhuman-light", "interx-full", "interx-light"):
        recipe = load_recipe(name)
        assert (recipe.name, recipe.epochs, recipe.pairs_per_batch) == (name, 2000, 50)
        assert (recipe.learning_rate, recipe.weight_decay) == (1e-4, 2e-5)
        assert (recipe.text, recipe.condition_dropout) == ("clip", 0.1)
        assert (recipe.model.width, recipe.model.state, recipe.model.patch) == (1024, 16, 1)
        assert recipe.model.blocks == (2 if name.endswith("full") else 1)
        assert recipe.dataset == name.split("-")[0]
        assert "on-commercial" in release_of(name).licence


def test_the_baseline_is_trained_as_the_paper_s_models_are():
    for data in ("interhuman", "interx"):
        baseline, paper = load_recipe(f"{data}-transformer"), load_recipe(f"{data}-full")
        assert baseline.model == transformer()
        assert dataclasses.replace(baseline, name=paper.name, model=paper.model) == paper
        assert "on-commercial" in release_of(baseline.name).licence


def test_the_command_line_changes_the_model():
    model = with_settings(full(), ["fusion=gate", "blocks=1", "shared_people=true"])
    assert model == dataclasses.replace(full(), fusion="gate", blocks=1, shared_people=True)
    for setting, sentence in (
        ("fusions=gate", "no setting 'fusions'; it has width, "),
        ("fusion=mean", "fusion must be 'adaptive' or"),
        ("shared_people=no", "shared_people must be true or false, not 'no'"),
        ("blocks", "blocks must be a whole number"),
    ):
        with pytest.raises(IntermambaError, match=sentence):
            with_settings(full(), [setting])


def test_the_command_line_says_which_unit_a_recipe_counts_in(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)
    common = ["--data", str(tmp_path), "--out", str(tmp_path / "run")]
    assert main(["interhuman-light", *common, "--steps", "3"]) == 1
    assert "give --epochs" in capsys.readouterr().err
    assert main(["interhuman-light", *common]) == 1
    assert "open_clip" in capsys.readouterr().err


def test_a_checkpoint_of_another_size_is_refused(clips, tmp_path):
    trainer(clips).save(tmp_path / "last.safetensors")
    larger = trainer(clips)
    model = dataclasses.replace(larger.recipe.model, state=8)
    larger.recipe = dataclasses.replace(larger.recipe, model=model)
    with pytest.raises(IntermambaError, match="another size"):
        larger.load(tmp_path / "last.safetensors")


def test_a_checkpoint_that_lacks_a_weight_is_refused(clips, tmp_path):
    made = trainer(clips)
    del made.ema.role_proj
    made.save(tmp_path / "last.safetensors")
    with pytest.raises(IntermambaError, match="another size"):
        trainer(clips).load(tmp_path / "last.safetensors")


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


def test_a_run_starts_from_what_it_has_in_common_with_a_bundle(clips, tmp_path, capsys):
    made = trainer(clips)
    save_weights(made.model, tmp_path / WEIGHTS)
    stats = (np.full(262, 0.5, np.float32), np.full(262, 2.0, np.float32), np.ones((22, 3), np.float32))
    bundle = Bundle(tmp_path, {"model": made.recipe.model.to_json()}, *stats, prompts=[])
    same = trainer(clips, seed=1)
    assert same.start_from(bundle)
    assert capsys.readouterr().err == ""
    for network in (same.model, same.ema):
        for name, weight in network.state_dict().items():
            assert torch.equal(weight, made.model.state_dict()[name].half().float()), name
    assert same.std.eq(2).all()
    other = trainer(clips, model=dataclasses.replace(made.recipe.model, text_layers=2, prior=12))
    fresh = other.model.text.layers.layers[1].linear1.weight.detach().clone()
    assert not other.start_from(bundle)
    assert torch.equal(other.model.in_proj.weight, same.model.in_proj.weight)
    assert torch.equal(other.model.text.layers.layers[1].linear1.weight, fresh)
    assert "weights; they begin anew" in capsys.readouterr().err


def test_the_prior_learns_the_mean_before_the_first_step(clips):
    one = trainer(clips, condition_dropout=0.0, prior_steps=60)
    before = one.model.prior.out.weight.detach().clone()
    denoiser = one.model.out_proj.weight.detach().clone()
    one.prepare([])
    assert not torch.equal(one.model.prior.out.weight, before)
    assert torch.equal(one.model.out_proj.weight, denoiser)
    assert torch.equal(one.ema.prior.out.weight, one.model.prior.out.weight)
    untaught = trainer(clips, condition_dropout=0.0)
    batch = one.batches.batch(0)
    t = torch.full((batch.size,), 999)
    errors = []
    for either in (one, untaught):
        torch.manual_seed(0)
        errors.append(float(either.terms(either.denoiser, batch, t)["diffusion"].detach()))
    assert errors[0] < 0.97 * errors[1]


def test_the_prior_is_taught_by_the_terms_of_the_noisiest_steps_alone(clips):
    weights = tiny_recipe().losses
    taught = []
    for losses in (weights, dataclasses.replace(weights, velocity=1e3, bone=1e3, distance_map=1e3)):
        fresh = trainer(clips, prior_steps=3, losses=losses)
        fresh.prepare([])
        taught.append(fresh.model.prior.out.weight.detach())
    assert torch.equal(*taught)


def test_what_comes_before_the_first_step_computes_as_the_steps_do(clips, monkeypatch):
    told = []
    for name in ("pretrain_text", "pretrain_prior"):
        monkeypatch.setattr(f"training.trainer.{name}", lambda *_, half: told.append(half))
    fresh = trainer(clips, text_steps=1, prior_steps=1)
    for fresh.half in (False, True):
        fresh.prepare([])
    assert told == [False, False, True, True]


def test_the_prior_learns_from_good_frames_alone():
    network = make_network(tiny_recipe().model)
    mask = np.ones((2, 8), bool)
    mask[1, 5] = False
    batch = Batch(np.zeros((2, 2, 8, 262), np.float32), mask, ["a", "b"], np.zeros(2, int), 2)
    shown = _shown(
        network,
        SimpleNamespace(batch=lambda _: batch),
        LetterEncoder().encode,
        (torch.zeros(262), torch.ones(262)),
        0,
    )
    assert shown.mask.numpy().tolist() == mask.tolist()
    assert shown.target.shape == (2, 2, 8, 262)
