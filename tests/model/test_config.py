import json

import pytest

pytest.importorskip("torch")

import torch

from intermamba.errors import BundleError
from intermamba.model.config import ModelConfig, mini
from intermamba.model.network import InterMamba


def millions(config):
    with torch.device("meta"):
        return sum(p.numel() for p in InterMamba(config).parameters()) / 1e6


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
    assert 8 < millions(mini()) < 8.5


@pytest.mark.parametrize(("blocks", "paper"), [(2, 117), (1, 66)])
def test_the_papers_size_has_the_papers_count(blocks, paper):
    config = ModelConfig(
        width=1024,
        blocks=blocks,
        patch=1,
        text_width=768,
        condition_width=768,
        text_ff=2048,
        shared_people=False,
    )
    assert abs(millions(config) - paper) < 1.1
