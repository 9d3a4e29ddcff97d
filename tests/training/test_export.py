"""What an export refuses before it writes anything, and what it takes from the scores."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("onnxscript")

from intermamba.bundles.bundle import bundled_folder  # noqa: E402
from intermamba.model.config import ModelConfig  # noqa: E402
from intermamba.model.network import make_network  # noqa: E402
from intermamba.text.encoder import TextEncoder  # noqa: E402
from training.checkpoint import save_checkpoint  # noqa: E402
from training.compose.score import load_scores  # noqa: E402
from training.export import anchors_of, main  # noqa: E402
from training.recipe import load_recipe  # noqa: E402


def test_a_model_of_clip_does_not_get_another_text_encoder(tmp_path, capsys):
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, {"ema/x": torch.zeros(1)}, 1, load_recipe("interhuman-light").to_dict())
    assert main([str(path), str(tmp_path / "bundle"), "--text", str(bundled_folder())]) == 1
    assert "384 values a word, and the model was trained with 768" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


def test_every_caption_of_a_score_is_an_anchor_that_knows_its_touches():
    model = make_network(ModelConfig(width=8, blocks=1, text_layers=1, text_ff=8, text_heads=2)).eval()
    counts = {}
    for names in (["bow"], ["kick"], ["bow", "handshake"]):
        scores = load_scores(names)
        anchors = anchors_of(model, scores, TextEncoder(bundled_folder()))
        captions = {c for score in scores for plan in score.plans() for c in plan.captions}
        assert anchors.conditions.shape == (len(captions), 384)
        assert anchors.asks is not None
        counts[names[-1]] = dict(zip(anchors.touches, anchors.asks.mean(axis=0), strict=True))
    assert counts["bow"] == {}
    assert set(counts["kick"]) == {"foot on belly", "foot on chest"}
    assert 0 < counts["kick"]["foot on belly"] < 1  # some are of kicks that are evaded
    assert 0 < counts["handshake"]["hand on hand"] < 1
