"""The counting is the paper's, held to hand-written sums and to Table III; the report has every model."""

import dataclasses
import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("numba")  # its scan is one operator, which can be counted

from intermamba.model.config import ModelConfig, full, light, transformer  # noqa: E402
from intermamba.model.ssm import SSM  # noqa: E402
from training import complexity  # noqa: E402
from training.complexity import (  # noqa: E402
    CLIP_IN_TABLE_3,
    TABLE_3,
    count,
    count_call,
    count_clip,
    count_parameters,
    count_text,
)

TINY = ModelConfig(
    width=16, blocks=1, state=4, patch=1, max_frames=20, features=7, text_width=12, condition_width=8,
    text_layers=1, text_heads=2, text_ff=16,
)  # fmt: skip


def test_operations_of_single_layers():
    with torch.device("meta"):
        linear, conv = torch.nn.Linear(5, 7), torch.nn.Conv1d(8, 6, 3, padding=1, groups=2)
        plain, affine = torch.nn.LayerNorm(8, elementwise_affine=False), torch.nn.LayerNorm(8)
        ssm = SSM(8, TINY)
        x_5, x_8 = torch.zeros(2, 3, 5), torch.zeros(2, 8, 9)
    assert count(lambda: linear(x_5)).dense == 6 * 35
    assert count(lambda: conv(x_8)).dense == 2 * 9 * 6 * 4 * 3
    assert count(lambda: plain(x_8.transpose(1, 2))).dense == 144 * 4
    assert count(lambda: affine(x_8.transpose(1, 2))).dense == 144 * 5
    scanned = count(lambda: ssm(x_8))
    assert scanned.scan == 4 * 2 * 8 * 9 * 4
    assert scanned.dense == 2 * 9 * 8 * (1 + 2 * 4) + 2 * 9 * 1 * 8  # x_proj, and the steps by rank 1


def test_the_baseline_costs_what_intergen_does():
    """Its column of Table III is 68.33 = 60.936 + 6.547 (CLIP) + 0.849 (text transformer, without our first layer)."""
    call = count_call(transformer(), 300)
    assert call.dense / 1e9 == pytest.approx(60.936, abs=0.001)
    assert count_clip().dense / 1e9 == pytest.approx(6.547, abs=0.001)
    assert count_text(transformer()).dense / 1e9 == pytest.approx(0.849 + 77 * 768**2 / 1e9, abs=0.002)
    assert call.attention == 8 * 2 * 2 * 2 * 300 * 301 * 1024  # blocks, people, attentions, products


@pytest.mark.parametrize(
    ("name", "config"), [("full", full()), ("light", light()), ("transformer", transformer())]
)
def test_table_3(name, config):
    millions, giga = TABLE_3[name]
    operations = count_call(config, 300).dense + count_text(config).dense
    operations += count_clip().dense if name in CLIP_IN_TABLE_3 else 0
    assert count_parameters(config)[0] / 1e6 == pytest.approx(millions, rel=0.02)
    assert operations / 1e9 == pytest.approx(giga, rel=0.02)


def test_60_frames_do_not_cost_300():
    short, long = count_call(light(), 60), count_call(light(), 300)
    assert short.dense < 0.19 * long.dense
    assert short.scan * 5 == long.scan
    assert long.attention == 0


def test_attention_grows_with_the_square_and_scans_do_not():
    longest = dataclasses.replace(TINY, max_frames=400)
    attending = dataclasses.replace(longest, denoiser="transformer", attention_heads=2)
    assert count_call(attending, 400).attention > 3.9 * count_call(attending, 200).attention
    assert count_call(longest, 400).scan == 2 * count_call(longest, 200).scan


def test_the_report(tmp_path, monkeypatch, capsys):
    other = dataclasses.replace(TINY, denoiser="transformer", attention_heads=2)
    monkeypatch.setattr(complexity, "MODELS", {"small": TINY, "transformer": other})
    arguments = [
        "--models",
        "small",
        "transformer",
        "--frames",
        "8",
        "30",
        "--device",
        "cpu",
        "--repeat",
        "1",
    ]
    assert complexity.main([*arguments, "-o", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert (tmp_path / "out/complexity.md").read_text(encoding="utf-8").strip() == text.strip()
    report = json.loads((tmp_path / "out/complexity.json").read_text())
    assert [(row["model"], row["frames"]) for row in report["rows"]] == [
        ("small", 8), ("small", 30), ("transformer", 8), ("transformer", 30),
    ]  # fmt: skip
    assert report["rows"][1]["parameters"] > report["rows"][0]["parameters"]  # made for 30 frames, not 20
    assert all(row["seconds"] > 0 for row in report["rows"])
    assert "| 30 | " in text
    assert "| frames | small | transformer |" in text
    assert (tmp_path / "out/complexity.png").read_bytes().startswith(b"\x89PNG")


def test_operations_are_counted_beyond_a_models_frames_and_without_times(tmp_path, monkeypatch, capsys):
    other = dataclasses.replace(TINY, denoiser="transformer", attention_heads=2)
    monkeypatch.setattr(complexity, "MODELS", {"small": TINY, "transformer": other})
    monkeypatch.setattr(complexity, "guided_step", None)
    arguments = [
        "--models",
        "small",
        "transformer",
        "--frames",
        "20",
        "80",
        "--device",
        "cpu",
        "--repeat",
        "0",
    ]
    assert complexity.main([*arguments, "-o", str(tmp_path)]) == 0
    assert "Milliseconds" not in capsys.readouterr().out
    rows = json.loads((tmp_path / "complexity.json").read_text())["rows"]
    assert all(row["seconds"] is None for row in rows)
    scans, attention = ([row["call"][name] for row in rows] for name in ("scan", "attention"))
    assert scans[1] == 4 * scans[0]
    assert attention[3] > 14 * attention[2]
    assert (tmp_path / "complexity.png").read_bytes().startswith(b"\x89PNG")


def test_a_stopped_measurement_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    other = dataclasses.replace(TINY, denoiser="transformer", attention_heads=2)
    monkeypatch.setattr(complexity, "MODELS", {"small": TINY, "transformer": other})
    timed = []

    def guided_step(config, frames, device, repeat):
        if len(timed) == 3 and "stopped" not in timed:
            timed.append("stopped")
            raise KeyboardInterrupt
        timed.append((config.denoiser, frames))
        return float(len(timed))

    monkeypatch.setattr(complexity, "guided_step", guided_step)
    models = ["--models", "small", "transformer", "--device", "cpu", "-o", str(tmp_path)]
    assert complexity.main([*models, "--frames", "8", "30"]) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert complexity.main([*models, "--frames", "8", "30"]) == 0
    jobs = [(name, frames) for name in (TINY.denoiser, "transformer") for frames in (8, 30)]
    assert timed == [*jobs[:3], "stopped", jobs[3]]
    rows = json.loads((tmp_path / "complexity.json").read_text())["rows"]
    assert [row["seconds"] for row in rows] == [1, 2, 3, 5]
    monkeypatch.setitem(complexity.MODELS, "small", dataclasses.replace(TINY, state=8))  # a model of before
    assert complexity.main([*models, "--frames", "8"]) == 0
    assert timed[5:] == [(TINY.denoiser, 8)]


def test_bad_lengths_are_refused(capsys):
    assert complexity.main(["--frames", "0", "--device", "cpu"]) == 1
    assert "at least 1" in capsys.readouterr().err
