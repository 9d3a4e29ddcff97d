import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from intermamba.bundles.bundle import bundled_folder
from intermamba.errors import BundleError
from intermamba.model.config import ModelConfig, full, light, mini, transformer
from intermamba.model.network import make_network
from intermamba.model.weights import load_model


def millions(config):
    with torch.device("meta"):
        return sum(p.numel() for p in make_network(config).parameters()) / 1e6


def test_sizes_survive_json():
    config = ModelConfig(width=64, shared_people=False, delta="eq6")
    assert ModelConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_impossible_sizes_are_refused():
    with pytest.raises(BundleError, match="newer intermamba: it has unknown settings heads"):
        ModelConfig.from_json({"heads": 3})
    with pytest.raises(BundleError, match="width must be a whole number of at least 1, not 0"):
        ModelConfig(width=0)
    with pytest.raises(BundleError, match="state must be a whole number of at least 1, not '16'"):
        ModelConfig.from_json({"state": "16"})
    with pytest.raises(BundleError, match="width must be even"):
        ModelConfig(width=5)
    with pytest.raises(BundleError, match="multiple of text_heads"):
        ModelConfig(condition_width=30, text_heads=4)
    with pytest.raises(BundleError, match="delta must be"):
        ModelConfig.from_json({"delta": "other"})


def test_mini_is_small():
    assert 8 < millions(mini()) < 9.5


def test_what_cannot_be_built_is_refused():
    with pytest.raises(
        BundleError, match="fusion must be 'adaptive' or 'sum' or 'linear' or 'gate' or 'plus'"
    ):
        ModelConfig.from_json({"fusion": "mean"})
    with pytest.raises(BundleError, match="guide must be"):
        ModelConfig.from_json({"guide": ["liia"]})
    with pytest.raises(BundleError, match="temporal branch alone has no fusion"):
        ModelConfig(branches="temporal", fusion="sum")
    with pytest.raises(BundleError, match="A transformer shares"):
        ModelConfig(denoiser="transformer", shared_people=False)
    with pytest.raises(BundleError, match="multiple of attention_heads"):
        ModelConfig(denoiser="transformer", width=100)


@pytest.mark.parametrize(("config", "paper"), [(full(), 117), (light(), 66), (transformer(), 182)], ids=str)
def test_the_papers_sizes_have_the_papers_counts(config, paper):
    """Table III: all that is trained, with the text transformer and without the frozen text encoder."""
    assert millions(config) == pytest.approx(paper, rel=0.02)


def test_the_baseline_is_intergens_to_the_parameter():
    with torch.device("meta"):
        network = make_network(transformer())
    text = sum(p.numel() for p in network.text.parameters())
    assert sum(p.numel() for p in network.parameters()) - text == 171_352_326


def test_the_bundled_model_still_loads():
    """It was written before there was a choice of denoisers, fusions and guides."""
    folder = bundled_folder()
    model = json.loads((folder / "config.json").read_text())["model"]
    assert (
        load_model(ModelConfig.from_json(model), folder / "weights.safetensors").config.fusion == "adaptive"
    )
