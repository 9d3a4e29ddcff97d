"""Inter-X's evaluator: its sizes, what it reads, its loss against loops, and its training."""

import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
h5py = pytest.importorskip("h5py")

from intermamba.errors import IntermambaError  # noqa: E402
from tests.clips import synthetic_pair  # noqa: E402
from training.data.words import TAGS, Words  # noqa: E402
from training.evaluate.embedding import View  # noqa: E402
from training.evaluate.judges import BEST, load_evaluator  # noqa: E402
from training.evaluate.t2m import (  # noqa: E402
    T2M,
    T2MConfig,
    T2MJudge,
    heading,
    margin_loss,
    padded,
)
from training.evaluate.train_evaluator import Settings, T2MTrainer, run  # noqa: E402

from .test_interx import random_clip  # noqa: E402

TINY = T2MConfig(movement=8, motion=12, text=8, space=6)
WORDS = ("unk", "sos", "eos", "one", "two", "waves", "walk", "left")


def write_glove(folder, words=WORDS):
    folder.mkdir(parents=True)
    np.save(folder / "hhi_vab_data.npy", np.random.default_rng(0).normal(size=(len(words), 300)))
    for name, content in (("words", list(words)), ("idx", {word: i for i, word in enumerate(words)})):
        (folder / f"hhi_vab_{name}.pkl").write_bytes(pickle.dumps(content))


def write_interx(folder, splits=("train", "val", "test"), count=4):
    """Inter-X as released, of clips that differ by their captions."""
    texts = folder / "processed" / "texts_processed"
    texts.mkdir(parents=True)
    (folder / "processed" / "motions").mkdir()
    write_glove(folder / "processed" / "glove")
    for split in splits:
        with h5py.File(folder / "processed" / "motions" / f"{split}.h5", "w") as file:
            for i in range(count):
                name = f"G00{splits.index(split)}T000A00{i}R000"
                file.create_dataset(name, data=random_clip(30 + 20 * i, i), dtype="f4")
                word = WORDS[4 + i % 4]
                (texts / f"{name}.txt").write_text(f"One {word} {i}.#one/NUM {word}/VERB#0.0#0.0\n")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_interx(tmp_path_factory.mktemp("interx"))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return T2M(TINY).eval()


def test_the_released_size():
    with torch.device("meta"):
        model = T2M(T2MConfig())
    found = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert found["movement_encoder.main.0.weight"] == (512, 672, 4)
    assert found["movement_encoder.main.3.weight"] == (512, 512, 4)
    assert found["motion_encoder.gru.weight_hh_l0_reverse"] == (3072, 1024)
    assert found["motion_encoder.output_net.3.weight"] == (512, 1024)
    assert found["text_encoder.pos_emb.weight"] == (300, 15)
    assert found["text_encoder.input_emb.weight"] == (512, 300)
    assert found["text_encoder.hidden"] == (2, 1, 512)


def test_four_frames_are_a_movement_and_what_comes_after_the_end_is_not_read(model):
    assert model.movement_encoder(torch.randn(2, 148, 672)).shape == (2, 37, 8)
    short = torch.randn(2, 150, 672)
    long = short.clone()
    long[0, 44:] = 9.0
    frames = torch.tensor([40, 148])
    torch.testing.assert_close(model.encode_motion(short, frames), model.encode_motion(long, frames))
    words, classes = torch.randn(2, 5, 300), torch.randn(2, 5, 15)
    other = words.clone()
    other[0, 3:] = 9.0
    lengths = torch.tensor([3, 5])
    torch.testing.assert_close(
        model.encode_text(words, classes, lengths), model.encode_text(other, classes, lengths)
    )


def test_words_have_a_vector_and_a_class(folder):
    words = Words(folder)
    vectors, classes = words(["two/NUM", "left/ADJ", "marzipan/NOUN", "waves/VERB", "walk/X"])
    assert vectors.shape == (7, 300)
    known = np.load(folder / "processed" / "glove" / "hhi_vab_data.npy")
    rows = [WORDS.index(word) for word in ("sos", "two", "left", "unk", "waves", "walk", "eos")]
    np.testing.assert_allclose(vectors, known[rows], atol=1e-6)
    assert [TAGS[i] for i in classes.argmax(1)] == [
        "OTHER",
        "NUM",
        "Loc_VIP",
        "OTHER",
        "VERB",
        "Act_VIP",
        "OTHER",
    ]
    assert classes.sum() == 7
    assert len(words(["one/NUM"] * 60)[0]) == 37


def test_pickles_that_would_run_something_are_refused(tmp_path):
    write_glove(tmp_path / "glove")

    class Evil:
        def __reduce__(self):
            return print, ("run",)

    (tmp_path / "glove" / "hhi_vab_words.pkl").write_bytes(pickle.dumps([Evil()]))
    with pytest.raises(IntermambaError, match="print is not plain data"):
        Words(tmp_path)
    with pytest.raises(IntermambaError, match="does not hold the word vectors"):
        Words(tmp_path / "nowhere")


def loss_by_loops(motion, text, shift, same, margin):
    total = 0.0
    for i in range(len(text)):
        other = motion[(i + shift) % len(motion)]
        total += np.linalg.norm(text[i] - motion[i]) ** 2
        total += 0 if same[i] else max(0, margin - np.linalg.norm(text[i] - other)) ** 2
    return total / len(text)


def test_the_loss_pulls_pairs_together_and_pushes_others_a_margin_apart():
    rng = np.random.default_rng(0)
    motion, text = rng.normal(size=(2, 5, 4))
    same = np.array([False, True, False, False, False])
    found = margin_loss(*map(torch.tensor, (motion, text)), 2, torch.tensor(same), margin=3.0)
    assert float(found) == pytest.approx(loss_by_loops(motion, text, 2, same, 3.0), rel=1e-4)


def test_it_sees_the_data_sets_own_features(folder, model):
    judge = T2MJudge(model, Words(folder), folder)
    clips = judge.footage([])
    assert [clip.frames for clip in clips] == [30, 50, 70, 90]
    part = clips[1].features(3, 20)
    np.testing.assert_array_equal(part[:-1], clips[1].values[3:22].reshape(19, -1))
    assert part[-1].reshape(56, 12)[55, [3, 4, 5, 9, 10, 11]] == pytest.approx(0)
    features, frames = padded([View(clips[0], 0, 28), View(clips[3], 2, 88)])
    assert features.shape == (2, 150, 672)
    assert frames.tolist() == [28, 88]
    assert not features[0, 28:].any()


def test_captions_that_are_not_the_data_sets_are_refused(folder, model):
    judge = T2MJudge(model, Words(folder), folder)
    captions = [clip.captions[0] for clip in judge.footage([])]
    assert judge.texts(captions).shape == (4, 6)
    with pytest.raises(IntermambaError, match=r"'They bow\.'"):
        judge.texts(["They bow."])


def test_a_generated_motion_stands_as_the_real_one_does(folder, model):
    judge = T2MJudge(model, Words(folder), folder)
    motion = synthetic_pair(43)
    for real in judge.footage([])[:3]:
        view = judge.view(motion, real)
        assert view.frames == 40
        first = view.footage.values[0]
        turn = (heading(first[0, :6]) - real.heading + np.pi) % (2 * np.pi) - np.pi
        assert abs(turn) < 0.4  # by the pelvis alone; facing looks at the shoulders too
        np.testing.assert_allclose(first[55, :3], 0, atol=1e-6)
        apart = np.linalg.norm(first[55, 6:9])
        assert apart == pytest.approx(np.linalg.norm(motion.root[1, 0] - motion.root[0, 0]), abs=1e-4)


def test_training_goes_on_and_leaves_an_evaluator(folder, tmp_path):
    settings = Settings(steps=6, validate_every=3, warmup=1, learning_rate=1e-2, pairs_per_batch=3)

    def make():
        return T2MTrainer(TINY, settings, folder, torch.device("cpu"))

    whole = make()
    losses = [whole.train_step()["loss"] for _ in range(4)]
    stopped = make()
    stopped.train_step()
    stopped.save(tmp_path)
    resumed = make()
    resumed.load(tmp_path / "last.safetensors")
    assert [resumed.train_step()["loss"] for _ in range(3)] == losses[1:]
    run(make(), make().source.read("val"), tmp_path / "run")
    model = load_evaluator(tmp_path / "run" / BEST)
    assert isinstance(model, T2M)
    assert model.config == TINY


def test_training_finds_the_pairs(folder):
    """A space in which all is one place has a loss of 50, at half the margin from everything."""
    size = T2MConfig(movement=32, motion=32, text=32, space=32)
    settings = Settings(steps=90, warmup=1, learning_rate=3e-3, pairs_per_batch=4)
    trainer = T2MTrainer(size, settings, folder, torch.device("cpu"))
    losses = [trainer.train_step()["loss"] for _ in range(90)]
    assert np.mean(losses[-10:]) < 15
