"""The measurement of GPUs runs, on a network so small that a CPU will do."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("numba")

from .test_complexity import TINY  # noqa: E402

FILE = Path(__file__).parents[2] / "tools" / "gpu" / "measure.py"


def test_a_row_for_each_model_with_speed_and_memory(tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("measure", FILE)
    measure = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(measure)
    size = replace(TINY, features=262)
    monkeypatch.setattr(
        measure, "MODELS", {"small": size, "transformer": replace(size, denoiser="transformer")}
    )
    arguments = ["--pairs", "2", "--frames", "16", "--steps", "1", "--sampling", "2", "--device", "cpu"]
    monkeypatch.setattr("sys.argv", ["measure.py", *arguments, "-o", str(tmp_path / "gpu.md")])
    assert measure.main() == 0
    lines = (tmp_path / "gpu.md").read_text().splitlines()
    assert capsys.readouterr().out.strip() == "\n".join(lines)
    assert "2 pairs of 16 frames" in lines[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[4:]]
    assert [row[0] for row in rows] == ["small", "transformer"]
    assert all(float(cell) >= 0 for row in rows for cell in row[1:])
    assert all(len(row) == 7 for row in rows)
