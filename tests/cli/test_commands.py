import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from intermamba import __version__, cli
from intermamba.bundles.bundle import Bundle, Prompt
from intermamba.cli import bench, doctor, machine, models
from intermamba.engines.fake import FakeEngine
from intermamba.errors import BundleError

ROOT = Path(__file__).parents[2]


def run(*arguments):
    try:
        return cli.main(list(arguments))
    except SystemExit as end:
        return end.code


EXAMPLES = [Prompt("Two people dance salsa", 7.0)]


def fake_bundle(folder, examples=EXAMPLES, **config):
    """A bundle as models and doctor see it."""
    engine = FakeEngine()
    (folder / "weights.safetensors").write_bytes(bytes(2_000_000))
    config = engine.bundle.config | {"files": {"weights.safetensors": ""}} | config
    return Bundle(folder, config, engine.bundle.mean, engine.bundle.std, engine.bundle.rest, list(examples))


def test_version_and_help(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"intermamba {__version__}\n"
    assert run("--help") == 0
    text = capsys.readouterr().out
    assert all(
        command in text for command in ("generate", "models", "doctor", "setup-gpu", "bench", "worker")
    )


@pytest.mark.parametrize("arguments", [[], ["dance"], ["generate", "p", "--colour"]])
def test_unknown_words_are_bad_input(arguments, capsys):
    assert run(*arguments) == 2
    assert "--help" in capsys.readouterr().err


def test_models_lists_what_there_is(monkeypatch, tmp_path, capsys):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.mkdir()
    config = {"licence": "CC0", "description": "Salsa for two.", "training_data": ["CMU", "ACCAD"]}

    def load(folder):
        if folder == bad:
            raise BundleError("weights.safetensors of the model bad is damaged: install the model again.")
        return fake_bundle(folder, **config)

    monkeypatch.setattr(models, "load_bundle", load)
    monkeypatch.setattr(models, "list_bundles", lambda: [good, bad])
    assert run("models") == 0
    text = capsys.readouterr().out
    for words in (
        "fake 0  (2 MB, up to 10 s at 30 frames a second)",
        "Licence: CC0",
        "Salsa for two.",
        "Trained on: CMU, ACCAD",
        'try: "Two people dance salsa" (7 s)',
        "bad  (cannot be used)",
        "is damaged",
    ):
        assert words in text
    monkeypatch.setattr(models, "list_bundles", list)
    assert run("models") == 1
    assert "No model is installed" in capsys.readouterr().out


def test_models_lists_every_prompt_on_request(monkeypatch, tmp_path, capsys):
    examples = [
        Prompt("Two people hug", 3.0, "embrace", "Embrace"),
        Prompt("A friendly hug", 3.0, "embrace", "Embrace"),
        Prompt("Two people wave", 2.5, "wave", "Wave"),
    ]
    monkeypatch.setattr(models, "load_bundle", lambda folder: fake_bundle(folder, examples))
    monkeypatch.setattr(models, "list_bundles", lambda: [tmp_path])
    assert run("models") == 0
    text = capsys.readouterr().out
    assert "Knows 2 interactions: Embrace; Wave" in text
    assert text.count("try: ") == 2
    assert "A friendly hug" not in text
    assert "all 3 prompts: intermamba models --prompts" in text
    assert run("models", "--prompts") == 0
    text = capsys.readouterr().out
    assert '  Embrace\n    "Two people hug" (3 s)\n    "A friendly hug" (3 s)\n\n  Wave\n' in text


def test_doctor_says_what_works(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(doctor, "load_bundle", lambda: fake_bundle(tmp_path))
    monkeypatch.setattr(doctor, "_torch", lambda: iter([doctor.Finding("absent", "torch: for GPUs")]))
    assert run("doctor") == 0
    text = capsys.readouterr().out
    assert "ok      model fake 0: 1 files, 2 MB, every checksum is right" in text
    assert "ok      onnxruntime" in text
    assert "absent  torch" in text
    assert text.endswith("Motions can be made here.\n")


def test_doctor_says_what_is_broken(monkeypatch, capsys):
    def damaged():
        raise BundleError("text.onnx is damaged: install the model again.")

    monkeypatch.setattr(doctor, "load_bundle", damaged)
    monkeypatch.setattr(doctor, "_torch", lambda: iter([]))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setattr(machine, "cores", lambda: 1)
    assert run("doctor") == 1
    text = capsys.readouterr().out
    assert "broken  onnxruntime" in text
    assert "broken  text.onnx is damaged" in text
    assert "absent  .mp4 needs ffmpeg" in text
    assert "slow" in text
    assert text.endswith("Motions cannot be made: repair what is broken above.\n")


def test_doctor_without_torch_says_what_it_is_for(monkeypatch):
    monkeypatch.setattr(doctor.util, "find_spec", lambda name: None)
    (finding,) = doctor._torch()
    assert finding.state == "absent"
    assert "intermamba[torch]" in finding.text


class Torch:
    """As much of torch as doctor looks at."""

    __version__ = "9.9"

    def __init__(self, cuda=None, hip=None, mps=False, name=""):
        self.version = SimpleNamespace(cuda=cuda, hip=hip)
        self.cuda = SimpleNamespace(is_available=lambda: bool(name), get_device_name=lambda: name)
        self.backends = SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps))


@pytest.mark.parametrize(
    ("torch", "gpu", "state", "words"),
    [
        (Torch(cuda="13.0", name="RTX 9"), "nvidia", "ok", "CUDA 13.0 on RTX 9: motions are made there"),
        (
            Torch(cuda="13.0", name="RTX 9"),
            "nvidia",
            "slow",
            "mamba_ssm is not installed: the scan runs in torch's own",
        ),
        (Torch(hip="7.0", name="Radeon"), "amd", "slow", "ROCm 7.0 on Radeon: used with --device cuda"),
        (Torch(mps=True), "apple", "slow", r"Apple GPU \(MPS\): used with --device mps"),
        (Torch(), "none", "absent", "GPU: none that torch can use; motions are made on the CPU"),
        (
            Torch(),
            "nvidia",
            "absent",
            "NVIDIA's driver is here, but torch was built without CUDA: `intermamba setup-gpu`",
        ),
        (Torch(cuda="13.0"), "amd", "absent", "AMD's ROCm is here, but torch was built without it"),
        (Torch(cuda="13.0"), "nvidia", "absent", "its driver may be too old"),
    ],
)
def test_doctor_says_what_the_gpu_does_and_why_not(monkeypatch, torch, gpu, state, words):
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(doctor.util, "find_spec", lambda name: name == "torch" or None)
    monkeypatch.setattr(machine, "gpu", lambda: gpu)
    findings = list(doctor._torch())
    assert any(finding.state == state and re.search(words, finding.text) for finding in findings), findings


def test_doctor_finds_a_kernel_that_does_not_fit_its_torch(monkeypatch, tmp_path):
    (tmp_path / "mamba_ssm.py").write_text("raise ImportError('undefined symbol')")
    monkeypatch.syspath_prepend(tmp_path)
    finding = doctor._optional("mamba_ssm", "the scan", "it is slow", "cuda")
    assert (finding.state, "undefined symbol" in finding.text) == ("broken", True)


def test_doctor_looks_at_another_python(tmp_path, capfd):
    assert run("doctor", "--python", sys.executable) == 0
    assert f"({sys.executable})" in capfd.readouterr().out
    assert run("doctor", "--python", str(tmp_path / "python")) == 2
    assert "cannot be run: No such file or directory" in capfd.readouterr().err


def test_bench_prints_a_table_and_writes_json(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bench, "load_engine", lambda model, device: FakeEngine())
    monkeypatch.setattr(bench, "_cold", lambda arguments, progress: bench.Row("cold start", 210, 4.0))
    monkeypatch.setattr(bench, "LENGTHS", (16, 20, 1000))
    assert run("bench", "--repeat", "1", "--json", str(tmp_path / "bench.json")) == 0
    text = capsys.readouterr().out
    report = json.loads((tmp_path / "bench.json").read_text())
    assert [row["frames"] for row in report["rows"]] == [210, 16, 20, 300]
    assert all(row["seconds"] > 0 for row in report["rows"])
    assert report["rows"][1]["step_ms"] > 0
    assert report["date"] in text
    assert machine.cpu_name() in text
    assert text.count("\n| warm | ") == 3
    assert "| cold start | 210 | 4.00 |  |" in text


def test_bench_refuses_a_file_it_cannot_write(capsys, tmp_path):
    assert run("bench", "--json", str(tmp_path)) == 2
    assert run("bench", "--repeat", "0") == 2


def test_a_cold_start_that_fails_is_told(monkeypatch, capsys):
    monkeypatch.setattr(bench, "load_engine", lambda model, device: FakeEngine())
    assert run("bench", "--model", "no such model", "--repeat", "1") == 1
    assert "There is no model 'no such model'" in capsys.readouterr().err


def test_the_machine_is_known():
    assert machine.cpu_name()
    assert 1 <= machine.cores() <= (os.cpu_count() or 1)
    assert machine.memory() > 1e8
    assert 1e7 < machine.peak_memory() < machine.memory()
    assert machine.cpu_name() in machine.description()


def test_the_worker_is_a_command_too():
    done = subprocess.run(
        [sys.executable, "-m", "intermamba", "worker", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "intermamba worker" in done.stdout
