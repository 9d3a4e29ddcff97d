from dataclasses import replace

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from intermamba.errors import BundleError
from intermamba.model.weights import load_model, save_weights


def test_weights_come_back_as_rounded(tiny, awake, tmp_path):
    network = awake(tiny)
    save_weights(network, tmp_path / "weights.safetensors")
    loaded = load_model(tiny, tmp_path / "weights.safetensors")
    assert not loaded.training
    for name, weight in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], weight.half().float(), rtol=0, atol=0)


def test_bad_files_are_refused(tiny, awake, tmp_path):
    path = tmp_path / "weights.safetensors"
    with pytest.raises(BundleError, match="cannot be read"):
        load_model(tiny, path)
    path.write_bytes(b"not weights")
    with pytest.raises(BundleError, match="cannot be read"):
        load_model(tiny, path)
    save_weights(awake(tiny), path)
    with pytest.raises(BundleError, match="another size"):
        load_model(replace(tiny, width=32), path)
