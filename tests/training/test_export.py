"""What an export refuses before it writes anything."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("onnxscript")

from intermamba.bundles.bundle import bundled_folder  # noqa: E402
from training.checkpoint import save_checkpoint  # noqa: E402
from training.export import main  # noqa: E402
from training.recipe import load_recipe  # noqa: E402


def test_a_model_of_clip_does_not_get_another_text_encoder(tmp_path, capsys):
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, {"ema/x": torch.zeros(1)}, 1, load_recipe("interhuman-light").to_dict())
    assert main([str(path), str(tmp_path / "bundle"), "--text", str(bundled_folder())]) == 1
    assert "384 values a word, and the model was trained with 768" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()
