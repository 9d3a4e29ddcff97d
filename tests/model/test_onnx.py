from dataclasses import replace

import pytest

pytest.importorskip("torch")
pytest.importorskip("numba")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytest.importorskip("safetensors")

import numpy as np
import onnx
import onnxruntime as ort
import torch

from intermamba.model.onnx import export_onnx
from intermamba.model.weights import load_model

BEYOND_THE_PAPER = dict.fromkeys(("person_embedding", "two_way", "inter_residual", "direct_text"), True)
OPTIONS = {
    "as bundled": {"blocks": 1, "prior": 6} | BEYOND_THE_PAPER,
    "separate, equation 6, gate, end of text": {
        "blocks": 1,
        "shared_people": False,
        "delta": "eq6",
        "fusion": "gate",
        "pool": "end_of_text",
        "patch": 1,
    },
    "temporal branch, without Cross-ASTM": {"blocks": 1, "branches": "temporal", "guide": "none"},
    "plus, without LIIA": {"blocks": 1, "fusion": "plus", "guide": "other"},
    "transformer": {"blocks": 1, "denoiser": "transformer", "attention_heads": 2},
}


@pytest.fixture(scope="module", params=OPTIONS.values(), ids=OPTIONS)
def exported(request, tiny, awake, tmp_path_factory):
    """The folder of an exported network with random weights, and the network as it was written."""
    folder, config = tmp_path_factory.mktemp("exported"), replace(tiny, **request.param)
    export_onnx(awake(config), folder)
    return folder, load_model(config, folder / "weights.safetensors")


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
    names = ["condition.onnx", "denoiser.onnx", "weights.safetensors"]
    assert sorted(path.name for path in folder.iterdir()) == names
