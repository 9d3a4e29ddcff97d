import pytest

pytest.importorskip("torch")
pytest.importorskip("tensorboard")

from torch.utils.tensorboard import SummaryWriter

from training import fusion_plot


def test_the_curves_of_a_run_that_went_on(tmp_path):
    name = "blocks.0.cross_astm.1.astm.w_alpha"
    for steps in ((200, 400), (600,)):  # a file of each start
        with SummaryWriter(str(tmp_path / "run")) as curves:
            curves.add_scalar("total", 3.0, steps[0])
            for step in steps:
                curves.add_scalar(f"fusion/{name}", step / 1000, step)
    steps, values = fusion_plot.fusion_curves(tmp_path / "run")[name]
    assert steps == [200, 400, 600]
    assert values == pytest.approx([0.2, 0.4, 0.6])
    assert fusion_plot.astm_name(name) == "block 1, cross, role 2"
    assert fusion_plot.main([str(tmp_path / "run"), "-o", str(tmp_path / "weights.png")]) == 0
    assert (tmp_path / "weights.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_without_curves_is_told(tmp_path, capsys):
    assert fusion_plot.main([str(tmp_path), "-o", str(tmp_path / "weights.png")]) == 1
    assert "no curves of fusion weights" in capsys.readouterr().err
