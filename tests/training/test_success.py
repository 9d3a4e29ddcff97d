"""How often a bundle does what it is asked, with an engine that always marches."""

import json
from dataclasses import replace

import pytest

from intermamba.engines.fake import FakeEngine
from intermamba.errors import IntermambaError
from intermamba.motion.motion import load_motion
from training.compose.score import SCORES, load_score
from training.evaluate import success
from training.evaluate.success import Task, list_tasks, run, table, unseen_prompts

TASKS = [
    Task("bow", "Two people bow.", 60, 0),
    Task("bow", "They bow.", 60, 0),
    Task("talk_listen", "Talk.", 48, 1),
]


@pytest.fixture
def score():
    return load_score(SCORES / "bow.toml")


def test_prompts_are_unseen_phrasings_of_all_variants_without_slots(score):
    prompts = unseen_prompts(score, 5)
    assert len(dict(prompts)) == 5
    assert not any("{" in prompt for prompt, _ in prompts)
    assert prompts == unseen_prompts(score, 5)
    trained = {caption for plan in score.plans() for caption in plan.captions}
    assert not {prompt for prompt, _ in prompts} & trained
    assert len({plan.seconds for _, plan in prompts}) > 1


def test_tasks_are_phrasings_times_seeds_of_a_length_that_the_bundle_can_make(score):
    tasks = list_tasks([score], FakeEngine().bundle, phrasings=3, seeds=range(5, 7))
    assert len({task.key for task in tasks}) == 6
    assert {task.seed for task in tasks} == {5, 6}
    assert all(task.frames % 4 == 0 and 16 <= task.frames <= 300 for task in tasks)
    assert {task.frames for task in list_tasks([score], FakeEngine().bundle, 3, (0, 1), frames=64)} == {64}


def test_a_stopped_run_goes_on_where_it_was(tmp_path, monkeypatch):
    out = tmp_path / "results" / "success.json"
    engine = FakeEngine()
    made = []
    sample = engine.sample
    monkeypatch.setattr(engine, "sample", lambda request: (made.append(request.prompt), sample(request))[1])
    run(engine, TASKS[:2], out)
    clips = run(engine, TASKS, out)
    assert made == [task.prompt for task in TASKS]
    assert [clip["prompt"] for clip in clips] == made
    assert json.loads(out.read_text())["clips"] == clips


def test_motions_are_kept_when_asked_for(tmp_path):
    run(FakeEngine(), TASKS[:1], tmp_path / "out.json", keep=tmp_path / "motions")
    (path,) = (tmp_path / "motions").glob("bow_*.npz")
    assert load_motion(path).prompt == "Two people bow."


def test_another_bundles_results_and_other_files_are_not_touched(tmp_path):
    out = tmp_path / "out.json"
    run(FakeEngine(), TASKS[:1], out)
    other = FakeEngine()
    other.bundle = replace(other.bundle, config={**other.bundle.config, "version": "1"})
    with pytest.raises(IntermambaError, match="another bundle"):
        run(other, TASKS[:1], out)
    out.write_text("[]")
    with pytest.raises(IntermambaError, match="not a record"):
        run(FakeEngine(), TASKS[:1], out)
    assert out.read_text() == "[]"


def test_the_table_counts_and_tells_the_main_failure():
    def clip(name, passed, why):
        return {"interaction": name, "passed": passed, "why": why}

    text = table(
        [
            clip("bow", True, "both bend forward by 40.00 degrees, at least 22."),
            clip("bow", False, "they are 0.31 m apart, at least 0.5."),
            clip("bow", False, "they are 0.22 m apart, at least 0.5."),
            clip("wave", True, "a"),
        ]
    )
    assert "| bow | 1 | 3 | 33% | they are … m apart, at least 0.5. |" in text
    assert text.endswith("| **all** | 2 | 4 | 50% | |")


def test_the_command_line_writes_both_files(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(success, "load_engine", lambda bundle, device: FakeEngine())
    out = tmp_path / "success.json"
    arguments = ["-o", str(out), "--only", "bow", "--phrasings", "2", "--seeds", "1", "--frames", "32"]
    assert success.main(arguments) == 0
    assert len(json.loads(out.read_text())["clips"]) == 2
    assert "| bow | 0 | 2 | 0% |" in out.with_suffix(".md").read_text()
    assert success.main(["-o", str(out), "--only", "no such thing"]) == 1
    assert "no such thing" in capsys.readouterr().err
