from dataclasses import replace

import numpy as np
import pytest
import torch

for package in ("onnx", "onnxscript", "safetensors", "numba"):
    pytest.importorskip(package)
ort = pytest.importorskip("onnxruntime")

import onnx

from intermamba.model.config import ModelConfig
from intermamba.model.network import InterMamba
from intermamba.model.onnx import export_onnx
from intermamba.model.weights import load_model

TINY = ModelConfig(
    width=16, blocks=1, state=4, patch=3, max_frames=30, features=7, text_width=12, condition_width=8,
    text_layers=1, text_heads=2, text_ff=16,
)  # fmt: skip
OTHER = replace(TINY, shared_people=False, delta="eq6", patch=1)


@pytest.fixture(scope="module", params=[TINY, OTHER], ids=["shared, low rank", "separate, equation 6"])
def exported(request, tmp_path_factory):
    """The folder of an exported network with random weights, and the network as it was written."""
    folder = tmp_path_factory.mktemp("exported")
    torch.manual_seed(0)
    network = InterMamba(request.param)
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.05 * torch.randn_like(weight)
    export_onnx(network, folder)
    return folder, load_model(request.param, folder / "weights.safetensors")


@pytest.mark.parametrize(("batch", "frames"), [(1, 1), (1, 30), (2, 17), (5, 29)])
def test_denoiser_is_the_network(exported, batch, frames):
    folder, network = exported
    random = np.random.default_rng(0)
    x = random.standard_normal((batch, 2, frames, 7)).astype(np.float32)
    t = random.integers(0, 1000, batch)
    cond = random.standard_normal((batch, 8)).astype(np.float32)
    (x_0,) = ort.InferenceSession(folder / "denoiser.onnx").run(["x_0"], {"x": x, "t": t, "cond": cond})
    expected = network(torch.from_numpy(x), torch.from_numpy(t), torch.from_numpy(cond)).numpy()
    np.testing.assert_allclose(x_0, expected, atol=1e-5)


@pytest.mark.parametrize(("batch", "words"), [(1, 1), (1, 4), (3, 64)])
def test_condition_is_the_text_transformer(exported, batch, words):
    folder, network = exported
    tokens = np.random.default_rng(0).standard_normal((batch, words, 12)).astype(np.float32)
    mask = np.ones((batch, words), bool)
    mask[-1, words // 2 + 1 :] = False
    (cond,) = ort.InferenceSession(folder / "condition.onnx").run(["cond"], {"tokens": tokens, "mask": mask})
    expected = network.condition(torch.from_numpy(tokens), torch.from_numpy(mask)).numpy()
    np.testing.assert_allclose(cond, expected, atol=1e-5)


def test_weights_are_stored_once(exported):
    folder, network = exported
    referred = set()
    for graph in ("denoiser", "condition"):
        model = onnx.load(folder / f"{graph}.onnx", load_external_data=False)
        for tensor in model.graph.initializer:
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                referred.add(("text." if graph == "condition" else "") + tensor.name.removesuffix(".half"))
                assert tensor.data_type == onnx.TensorProto.FLOAT16
                assert {entry.key: entry.value for entry in tensor.external_data}[
                    "location"
                ] == "weights.safetensors"
    assert referred == set(network.state_dict())
    assert sorted(path.name for path in folder.iterdir()) == [
        "condition.onnx", "denoiser.onnx", "weights.safetensors",
    ]  # fmt: skip
