"""The command, from real clips to the files, on each kind of data set."""

import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("matplotlib")

from intermamba.engines.base import Request  # noqa: E402
from intermamba.engines.fake import FakeEngine  # noqa: E402
from intermamba.errors import IntermambaError  # noqa: E402
from intermamba.motion.motion import load_motion, save_motion  # noqa: E402
from tests.clips import synthetic_pair  # noqa: E402
from training.checkpoint import save_checkpoint, with_prefix  # noqa: E402
from training.evaluate import __main__ as command  # noqa: E402
from training.evaluate import judges, paper  # noqa: E402
from training.evaluate.datasets import told  # noqa: E402
from training.evaluate.generate import MADE_BY, draw_orders  # noqa: E402
from training.evaluate.interclip import InterCLIP  # noqa: E402
from training.evaluate.protocol import COLUMNS, INTERHUMAN, INTERX  # noqa: E402
from training.evaluate.t2m import T2M  # noqa: E402

from .test_embedding import clip, stretches  # noqa: E402
from .test_interclip import WordVectors, tiny  # noqa: E402
from .test_interhuman import write_clip, write_split  # noqa: E402

FEW = ("--pool", "2", "--replications", "2", "--sets", "2", "--texts", "2", "--repeats", "3", "--rounds", "2")
QUICK = (*FEW, "--steps", "1", "--device", "cpu")


class CountingEngine(FakeEngine):
    """Counts what it makes; the `stop_after`-th motion is not finished."""

    def __init__(self, stop_after=10**9):
        super().__init__()
        self.made, self.stop_after = 0, stop_after

    def sample(self, request, *rest):
        self.made += 1
        if self.made > self.stop_after:
            raise KeyboardInterrupt
        return super().sample(request, *rest)


@pytest.fixture
def engine(monkeypatch):
    engine = CountingEngine()
    monkeypatch.setattr(command, "load_engine", lambda *_: engine)
    monkeypatch.setattr(judges, "TextEncoder", lambda _: WordVectors())
    return engine


def write_folder(folder, captions=("They bow.", "They shake hands.", "They dance.", "One waves.")):
    folder.mkdir()
    lines = []
    for i, caption in enumerate(captions):
        save_motion(folder / f"clip{i}.npz", synthetic_pair(40 + 10 * i, i))
        lines.append(json.dumps({"id": f"clip{i}", "captions": [caption]}))
    (folder / "captions.jsonl").write_text("\n".join(lines))
    return folder


def write_evaluator(path, model, kind):
    recipe = {"kind": kind, "evaluator": vars(model.config) if kind == "t2m" else model.config.to_json()}
    save_checkpoint(path, with_prefix("model", model.state_dict()), 1, recipe)
    return path


@pytest.fixture
def evaluator(tmp_path):
    torch.manual_seed(0)
    return write_evaluator(tmp_path / "evaluator.safetensors", InterCLIP(tiny()), "interclip")


def run(*arguments):
    return command.main([str(argument) for argument in arguments])


def test_ones_own_clips(tmp_path, engine, evaluator, capsys):
    data, out = write_folder(tmp_path / "mine"), tmp_path / "out"
    assert run("--data", data, "--evaluator", evaluator, "-o", out, *QUICK) == 0
    text = capsys.readouterr().out
    assert (out / "evaluation.md").read_text().strip() == text.strip()
    assert "| **fake 0** | " in text
    assert "| **Real, here** | " in text
    assert "| contact_reached |" in text
    assert "InterGen" not in text
    found = json.loads((out / "evaluation.json").read_text())
    assert set(found["rows"]["fake 0"]) == set(COLUMNS)
    assert set(found["rows"]["Real, here"]) == set(COLUMNS) - {"MModality"}
    assert len(found["made"]["foot_skate_cm_s"]) == len(found["real"]["foot_skate_cm_s"]) == 4
    assert len(found["real"]["contact_reached"]) == 1
    for picture in ("scores.png", "quality.png"):
        assert (out / picture).read_bytes().startswith(b"\x89PNG")
    assert engine.made == 2 * 4 + 2 * 2 * 3


def test_a_stopped_run_goes_on_and_makes_nothing_twice(tmp_path, engine, evaluator, capsys):
    arguments = (
        "--data",
        write_folder(tmp_path / "mine"),
        "--evaluator",
        evaluator,
        "-o",
        tmp_path / "out",
        *QUICK,
    )
    engine.stop_after = 5
    assert run(*arguments) == 130
    assert "the same command" in capsys.readouterr().err
    engine.stop_after = 10**9
    assert run(*arguments) == 0
    assert engine.made == 6 + 15
    first = (tmp_path / "out" / "evaluation.json").read_text()
    assert run(*arguments) == 0
    assert engine.made == 21
    assert (tmp_path / "out" / "evaluation.json").read_text() == first
    assert run(*arguments, "--steps", "2") == 0  # other settings, other motions
    assert engine.made == 41


def test_motions_of_another_bundle_are_not_taken_for_this_ones(tmp_path, engine, capsys):
    data, out = write_folder(tmp_path / "mine"), tmp_path / "out"
    assert run("--data", data, "-o", out, "--steps", "1") == 0
    (out / "motions" / MADE_BY).write_text('{"bundle": "other"}')
    assert run("--data", data, "-o", out, "--steps", "1") == 1
    assert "motions of another bundle" in capsys.readouterr().err


def test_without_an_evaluator_there_are_measures_alone(tmp_path, engine, capsys):
    data = write_folder(tmp_path / "mine")
    assert run("--data", data, "-o", tmp_path / "out", "--only", "clip1", "clip2", "--steps", "1") == 0
    text = capsys.readouterr().out
    assert text.startswith("## Measures")
    assert "2 generated motions, 1 of them" in text
    assert engine.made == 2
    assert not (tmp_path / "out" / "scores.png").exists()


def test_motion_files_are_judged_as_they_are(tmp_path, engine, evaluator, capsys):
    data = write_folder(tmp_path / "mine")
    for seed in range(6):
        prompt = ("They bow.", "They dance.", "They run.")[seed % 3]
        motion = FakeEngine().sample(Request(prompt=prompt, frames=32, seed=seed, steps=1))
        save_motion(tmp_path / "made" / f"{seed}.npz", motion)
    arguments = (
        "--data",
        data,
        "--evaluator",
        evaluator,
        "--motions",
        tmp_path / "made",
        "-o",
        tmp_path / "out",
    )
    assert run(*arguments, "--pool", "2", "--replications", "2") == 0
    assert engine.made == 0
    row = json.loads((tmp_path / "out" / "evaluation.json").read_text())["rows"][str(tmp_path / "made")]
    assert set(row) == set(COLUMNS)  # each caption has two motions
    silent = synthetic_pair(20)
    silent.prompt = ""
    save_motion(tmp_path / "made" / "silent.npz", silent)
    assert run(*arguments) == 1
    assert "silent.npz carries no prompt" in capsys.readouterr().err


def test_interhuman_has_the_papers_table_i(tmp_path, engine, evaluator, capsys):
    for i in range(5):
        write_clip(tmp_path / "data", str(i), i)
        (tmp_path / "data" / "annots" / f"{i}.txt").write_text(f"{i} pushes.\n")
    write_split(tmp_path / "data", "test.txt", map(str, range(5)))
    arguments = ("--data", tmp_path / "data", "--evaluator", evaluator, "-o", tmp_path / "out")
    assert run(*arguments, *FEW, "--steps", "1") == 0
    text = capsys.readouterr().out
    assert "## Table I: InterHuman" in text
    assert "| InterMamba | 0.475 ±0.005 | 0.625 ±0.006 | 0.706 ±0.004 | 5.945 ±0.007 |" in text
    assert "pool 2 instead of the protocol's 96" in text
    motion = load_motion(tmp_path / "out" / "motions" / "set00" / "00000_00.npz")
    assert motion.settings["guidance"] == 3.5
    assert motion.settings["sampler"] == "ddim"
    assert motion.frames == 40


def test_inter_x_has_the_papers_table_ii_by_its_own_evaluator(tmp_path, engine, capsys):
    pytest.importorskip("h5py")
    from .test_t2m import TINY, write_interx

    evaluator = write_evaluator(tmp_path / "t2m.safetensors", T2M(TINY), "t2m")
    data = write_interx(tmp_path / "data", splits=("test",), count=5)
    assert run("--data", data, "--evaluator", evaluator, "-o", tmp_path / "out", *QUICK) == 0
    text = capsys.readouterr().out
    assert "## Table II: Inter-X" in text
    assert "| InterMamba, light | 0.406 ±0.005 |" in text
    frames = {load_motion(path).frames for path in (tmp_path / "out" / "motions").rglob("*.npz")}
    assert all(n % 4 == 0 and n <= 108 for n in frames)


def test_the_papers_tables_are_whole():
    for dataset, count in (("interhuman", 11), ("interx", 10)):
        rows = paper.rows(dataset)
        assert len(rows) == count
        assert all(set(row) == set(COLUMNS) for name, row in rows.items() if name != "Real")
    assert paper.rows("folders") == {}


def test_orders_have_the_clips_lengths_captions_and_seeds_of_their_own(tmp_path):
    real = stretches([clip(60, ("They bow.", "A bow.")), clip(380, ("They dance.",))])
    orders = draw_orders(real, INTERHUMAN, 200, tmp_path, 0)
    assert len(orders.sets) == 20
    assert len(orders.rounds) == 5
    assert [len(group) for group in orders.rounds[0]] == [30, 30]
    every = orders.all()
    assert len({order.path for order in every}) == len({o.request.seed for o in every}) == len(every)
    for order in every:
        assert order.request.frames == (200 if order.request.prompt == "They dance." else 60)
        assert order.request.prompt in order.footage.captions
    assert {o.request.prompt for o in orders.sets[0] + orders.sets[1] + orders.sets[2]} == {
        "They bow.", "A bow.", "They dance.",
    }  # fmt: skip
    assert draw_orders(real, INTERHUMAN, 200, tmp_path, 0).sets[7] == orders.sets[7]
    assert {o.request.frames for o in draw_orders(real, INTERX, 200, tmp_path, 0).all()} <= {60, 56, 148, 144}


def test_the_data_set_is_told_by_what_lies_in_the_folder(tmp_path):
    mine = write_folder(tmp_path / "mine")
    assert told([mine, mine]) == "folders"
    for name, inside in (("interhuman", "motions_processed"), ("interx", "processed/motions")):
        (tmp_path / name / inside).mkdir(parents=True)
        assert told([tmp_path / name]) == name
    with pytest.raises(IntermambaError, match=r"give folders with captions\.jsonl, or the one folder"):
        told([mine, tmp_path / "interx"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--pool", "1"), "--pool must be at least 2"),
        (("--count", "1", "--evaluator", "nothing.safetensors"), "nothing.safetensors is not a checkpoint"),
        (("--only", "dance"), "is chosen and long enough"),
    ],
)
def test_mistakes_are_a_sentence(tmp_path, engine, capsys, arguments, words):
    data = write_folder(tmp_path / "mine")
    assert run("--data", data, "-o", tmp_path / "out", *arguments) == 1
    assert words in capsys.readouterr().err
