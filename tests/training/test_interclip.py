"""The evaluator's sizes, what its masks leave out, its loss against loops, and its training."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from intermamba.errors import IntermambaError  # noqa: E402
from training.checkpoint import save_checkpoint  # noqa: E402
from training.data.clips import Segment, load_clips  # noqa: E402
from training.evaluate.embedding import CaptionTokens, stretches  # noqa: E402
from training.evaluate.interclip import (  # noqa: E402
    InterCLIP,
    InterCLIPConfig,
    TransformerSize,
    contrastive_loss,
    paper,
    shared_targets,
    sinusoid,
    small,
)
from training.evaluate.judges import load_evaluator  # noqa: E402
from training.evaluate.train_evaluator import (  # noqa: E402
    BEST,
    InterCLIPTrainer,
    Settings,
    caption_kinds,
    run,
    split,
)

from .test_data import write_folder  # noqa: E402

CHANNELS = 12


class WordVectors:
    """A text encoder whose token features are random, and the same for the same word."""

    def encode(self, prompts):
        rows = [[self._word(word) for word in prompt.split()] for prompt in prompts]
        mask = np.arange(max(map(len, rows))) < np.array([len(row) for row in rows])[:, None]
        tokens = np.zeros((*mask.shape, CHANNELS), np.float32)
        tokens[mask] = np.concatenate(rows)
        return tokens, mask

    def _word(self, word):
        return np.random.default_rng(list(word.encode())).normal(size=CHANNELS)


def tiny(**changes):
    size = TransformerSize(width=8, layers=1, heads=2, ff=16)
    return replace(small(), motion=size, text=size, space=4, text_channels=CHANNELS, **changes)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return InterCLIP(tiny()).eval()


def shapes(module):
    return {name: tuple(p.shape) for name, p in module.named_parameters()}


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_the_papers_size_has_the_papers_parameters():
    with torch.device("meta"):
        model = InterCLIP(paper())
    assert count(model.motion_encoder) == 68_256_256
    assert count(model.sentence_encoder.transformer) == 44_111_872
    assert round(count(model) / 1e6, 1) == 150.8
    found = shapes(model)
    assert found["motion_encoder.embed.weight"] == (1024, 516)
    assert found["motion_encoder.query"] == (1, 1024)
    assert found["motion_encoder.transformer.layers.7.self_attn.in_proj_weight"] == (3072, 1024)
    assert found["motion_encoder.transformer.layers.7.linear1.weight"] == (2048, 1024)
    assert found["motion_encoder.out.weight"] == (512, 1024)
    assert found["sentence_encoder.embed.weight"] == (49408, 768)
    assert found["sentence_encoder.positions"] == (77, 768)
    assert found["sentence_encoder.transformer.layers.7.linear2.weight"] == (768, 2048)
    assert found["sentence_encoder.out.weight"] == (512, 768)
    assert found["latent_scale"] == (1,)
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    assert frozen == ["sentence_encoder.embed.weight"]


def test_sizes_survive_json():
    for config in (paper(), small()):
        assert InterCLIPConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_positions_are_sines_and_cosines_in_turn():
    by_loops = [
        [np.sin(p / 10000 ** (c / 6)) if c % 2 == 0 else np.cos(p / 10000 ** ((c - 1) / 6)) for c in range(6)]
        for p in range(9)
    ]
    assert sinusoid(9, 6).numpy() == pytest.approx(np.array(by_loops), abs=1e-6)


@pytest.mark.parametrize("patch", [1, 4])
def test_masked_frames_and_padding_change_nothing(patch):
    torch.manual_seed(0)
    model = InterCLIP(tiny(patch=patch)).eval()
    short = torch.randn(3, 2, 18, 262)
    mask = torch.ones(3, 18, dtype=torch.bool)
    mask[1, 5:7] = False
    long = torch.cat((short, torch.randn(3, 2, 9, 262)), 2)
    long[1, :, 5:7] = 99.0
    long_mask = torch.cat((mask, torch.zeros(3, 9, dtype=torch.bool)), 1)
    torch.testing.assert_close(model.encode_motion(short, mask), model.encode_motion(long, long_mask))


def test_motion_is_seen_in_its_order_and_contacts_are_not_seen(model):
    motion, mask = torch.randn(2, 2, 16, 262), torch.ones(2, 16, dtype=torch.bool)
    found = model.encode_motion(motion, mask)
    without = motion.clone()
    without[..., 258:] = 0
    torch.testing.assert_close(model.encode_motion(without, mask), found)
    assert not torch.allclose(model.encode_motion(motion.flip(2), mask), found, atol=1e-3)


def test_padding_of_a_sentence_changes_nothing(model):
    tokens, mask = torch.randn(2, 5, CHANNELS), torch.ones(2, 5, dtype=torch.bool)
    padded, longer = torch.cat((tokens, torch.randn(2, 3, CHANNELS)), 1), torch.zeros(2, 8, dtype=torch.bool)
    longer[:, :5] = True
    torch.testing.assert_close(model.encode_text(tokens, mask), model.encode_text(padded, longer))


def test_token_ids_are_read_at_their_end_of_text():
    torch.manual_seed(0)
    model = InterCLIP(tiny(vocabulary=20, text_positions=9)).eval()
    for parameter in (model.sentence_encoder.embed.weight, model.sentence_encoder.positions):
        torch.nn.init.normal_(parameter)
    ids, mask = torch.tensor([[18, 3, 4, 19, 0], [18, 7, 19, 0, 0]]), torch.ones(2, 5, dtype=torch.bool)
    found = model.encode_text(ids, mask)
    assert found.shape == (2, 4)
    hidden = model.sentence_encoder.embed(ids[1]) + model.sentence_encoder.positions[:5]
    hidden = model.sentence_encoder.transformer(hidden[None])[0, 2]
    answer = model.sentence_encoder.out(model.sentence_encoder.norm(hidden))
    torch.testing.assert_close(found[1], answer / answer.norm() * model.latent_scale)


def test_embeddings_are_as_long_as_the_learned_scale(model):
    found = model.encode_motion(torch.randn(3, 2, 8, 262), torch.ones(3, 8, dtype=torch.bool))
    torch.testing.assert_close(found.norm(dim=1), model.latent_scale.expand(3))


def loss_by_loops(motion, text, targets):
    total = 0.0
    for i in range(len(motion)):
        for logits in (text @ motion[i], motion @ text[i]):
            log_share = logits - np.log(np.exp(logits).sum())
            total -= (targets[i] / targets[i].sum() * log_share).sum()
    return total / (2 * len(motion))


def test_the_loss_is_symmetric_cross_entropy():
    rng = np.random.default_rng(2)
    motion, text = rng.normal(size=(2, 5, 4))
    targets = rng.uniform(size=(5, 5))
    for wanted in (np.eye(5), targets + targets.T):
        found = contrastive_loss(*(torch.tensor(x) for x in (motion, text, wanted)))
        assert float(found) == pytest.approx(loss_by_loops(motion, text, wanted))


def test_the_same_sentence_shares_its_target_and_another_one_does_not():
    captions = ["two people bow", "two people bow", "someone kicks the ball far away"]
    targets = shared_targets(*CaptionTokens(WordVectors())(captions), ["", "", ""]).numpy()
    assert targets == pytest.approx(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]]), abs=0.01)


def test_sentences_of_one_interaction_share_more_than_words_that_are_alike():
    tokens = CaptionTokens(WordVectors())(["two people bow down", "two people bow deeply"])
    alone, other, same = (
        shared_targets(*tokens, kinds)[0, 1] for kinds in (["", ""], ["a", "b"], ["a", "a"])
    )
    assert alone == other < 0.001
    assert 0.02 < same < 1


def test_captions_know_their_interaction_also_when_mirrored(clips):
    segment = Segment(0, 30, ("The left hand waves.",))
    named = replace(clips[0], captions=("They wave.",), segments=(segment,), interaction="wave")
    assert caption_kinds([named, clips[1]]) == {
        "They wave.": "wave", "The left hand waves.": "wave", "The right hand waves.": "wave",
    }  # fmt: skip


def test_pairs_of_one_sentence_are_not_pushed_apart():
    same = torch.ones(2, 4)
    shared = contrastive_loss(same, same, torch.ones(2, 2))
    apart = torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0]]) * 2
    assert shared < contrastive_loss(apart, apart, torch.ones(2, 2))


def settings(**changes):
    small_run = {
        "steps": 6, "shortest": 16, "frames_per_batch": 96,
        "validate_every": 3, "warmup": 2, "statistics_crops": 20,
    }  # fmt: skip
    return Settings(**(small_run | changes))


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return load_clips(write_folder(tmp_path_factory.mktemp("clips"), count=4, frames=48))


def make_trainer(clips, **changes):
    return InterCLIPTrainer(
        tiny(), settings(**changes), clips, CaptionTokens(WordVectors()), torch.device("cpu")
    )


def test_a_stopped_run_goes_on_as_if_it_had_not_been(clips, tmp_path):
    whole = make_trainer(clips)
    losses = [whole.train_step()["loss"] for _ in range(5)]
    stopped = make_trainer(clips)
    for _ in range(3):
        stopped.train_step()
    stopped.best = 0.5
    stopped.save(tmp_path)
    resumed = make_trainer(clips)
    resumed.load(tmp_path / "last.safetensors")
    assert resumed.best == 0.5
    assert [resumed.train_step()["loss"] for _ in range(2)] == losses[3:]


def test_a_run_leaves_an_evaluator_that_can_be_loaded(clips, tmp_path):
    trainer = make_trainer(clips)
    run(trainer, stretches(clips[:2]), tmp_path)
    assert trainer.step == 6
    assert 0 <= trainer.best <= 1
    model = load_evaluator(tmp_path / BEST)
    assert model.config == tiny()
    assert not model.training
    assert list(tmp_path.glob("events*"))


def test_the_evaluator_is_replaced_only_by_one_as_good(clips, tmp_path):
    trainer = make_trainer(clips)
    trainer.save_best(tmp_path, 0.5)
    before = (tmp_path / BEST).read_bytes()
    trainer.train_step()
    trainer.save_best(tmp_path, 0.4)
    assert (tmp_path / BEST).read_bytes() == before
    trainer.save_best(tmp_path, 0.6)
    assert (tmp_path / BEST).read_bytes() != before


def test_training_tells_two_kinds_of_motion_apart(tmp_path):
    folder = write_folder(tmp_path, count=2, frames=48)
    lines = [
        json.dumps({"id": f"clip{i}", "captions": [caption]})
        for i, caption in enumerate(("two people dance closely", "somebody runs away"))
    ]
    (folder / "captions.jsonl").write_text("\n".join(lines))
    trainer = make_trainer(load_clips(folder), steps=40, learning_rate=1e-2)
    losses = [trainer.train_step()["loss"] for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_clips_are_split_the_same_way_in_any_order(clips):
    learnt, held_out = split(clips, 0.25)
    assert len(held_out) == 1
    assert {c.id for c in learnt} | {held_out[0].id} == {c.id for c in clips}
    assert split(clips[::-1], 0.25)[1][0].id == held_out[0].id
    with pytest.raises(IntermambaError, match="two clips"):
        split(clips[:1])


def test_a_checkpoint_that_is_no_evaluator_is_refused(tmp_path):
    save_checkpoint(tmp_path / "other.safetensors", {"x": torch.zeros(1)}, 0, {"name": "duet"})
    with pytest.raises(IntermambaError, match="not an evaluator"):
        load_evaluator(tmp_path / "other.safetensors")
