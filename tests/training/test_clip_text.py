"""CLIP's text tower on random weights of a small size, and the cache of what it says."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("open_clip", exc_type=ImportError)

from open_clip.tokenizer import SimpleTokenizer  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from intermamba.errors import IntermambaError  # noqa: E402
from training.clip_text import WEIGHTS, CachedText, ClipText  # noqa: E402

WIDTH, LAYERS, VOCABULARY = 128, 2, 49408
CAPTIONS = ["Two people shake hands.", "One bows.", " ".join(["walk"] * 100)]


def random_clip(folder, seed=0):
    """A file as open_clip writes it, with a piece of the picture tower."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return 0.1 * torch.randn(shape, generator=generator)

    tensors = {
        "token_embedding.weight": normal(VOCABULARY, WIDTH),
        "positional_embedding": normal(77, WIDTH),
        "ln_final.weight": 1 + normal(WIDTH),
        "ln_final.bias": normal(WIDTH),
        "text_projection": normal(WIDTH, 32),
        "logit_scale": normal(1)[0],
        "visual.conv1.weight": normal(4, 3, 2, 2),
    }
    for layer in range(LAYERS):
        shapes = {
            "ln_1.weight": (WIDTH,), "ln_1.bias": (WIDTH,), "ln_2.weight": (WIDTH,), "ln_2.bias": (WIDTH,),
            "attn.in_proj_weight": (3 * WIDTH, WIDTH), "attn.in_proj_bias": (3 * WIDTH,),
            "attn.out_proj.weight": (WIDTH, WIDTH), "attn.out_proj.bias": (WIDTH,),
            "mlp.c_fc.weight": (4 * WIDTH, WIDTH), "mlp.c_fc.bias": (4 * WIDTH,),
            "mlp.c_proj.weight": (WIDTH, 4 * WIDTH), "mlp.c_proj.bias": (WIDTH,),
        }  # fmt: skip
        for name, shape in shapes.items():
            tensors[f"transformer.resblocks.{layer}.{name}"] = normal(*shape)
    save_file(tensors, folder / WEIGHTS)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return random_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def encoder(folder):
    return ClipText(folder)


def reference(weights, ids):
    """Token features (S,C) of one caption, a token and a head at a time: pre-norm, causal, x sigmoid(1.702 x)."""
    w = {name: tensor.double().numpy() for name, tensor in weights.items()}

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        return (
            centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * w[f"{name}.weight"]
            + w[f"{name}.bias"]
        )

    x = w["token_embedding.weight"][ids] + w["positional_embedding"][: len(ids)]
    for layer in range(LAYERS):
        at = f"transformer.resblocks.{layer}"
        qkv = norm(x, f"{at}.ln_1") @ w[f"{at}.attn.in_proj_weight"].T + w[f"{at}.attn.in_proj_bias"]
        attended = np.zeros_like(x)
        for head in range(WIDTH // 64):
            q, k, v = (qkv[:, i * WIDTH + head * 64 :][:, :64] for i in range(3))
            for token in range(len(x)):
                score = np.exp(q[token] @ k[: token + 1].T / 8)
                attended[token, head * 64 : head * 64 + 64] = score / score.sum() @ v[: token + 1]
        x = x + attended @ w[f"{at}.attn.out_proj.weight"].T + w[f"{at}.attn.out_proj.bias"]
        hidden = norm(x, f"{at}.ln_2") @ w[f"{at}.mlp.c_fc.weight"].T + w[f"{at}.mlp.c_fc.bias"]
        hidden = hidden / (1 + np.exp(-1.702 * hidden))
        x = x + hidden @ w[f"{at}.mlp.c_proj.weight"].T + w[f"{at}.mlp.c_proj.bias"]
    return norm(x, "ln_final")


def test_token_features_are_those_of_every_layer_and_the_final_norm(encoder, folder):
    tokens, mask = encoder.encode(CAPTIONS)
    assert tokens.shape == (3, 77, WIDTH)
    assert mask.sum(1).tolist() == [7, 5, 77]
    weights = load_file(folder / WEIGHTS)
    for row, real, caption in zip(tokens, mask, CAPTIONS, strict=True):
        ids = SimpleTokenizer()([caption])[0, : real.sum()]
        assert ids[-1] == VOCABULARY - 1  # end-of-text is the last of the mask
        np.testing.assert_allclose(row[real], reference(weights, ids.numpy()), atol=2e-4)
        assert not row[~real].any()


def test_the_network_takes_the_features(encoder):
    from intermamba.model.config import ModelConfig
    from intermamba.model.network import InterMamba

    sizes = {"width": 16, "blocks": 1, "state": 4, "text_layers": 1, "text_heads": 2, "text_ff": 32}
    model = InterMamba(ModelConfig(**sizes, text_width=WIDTH, condition_width=32)).eval()
    tokens, mask = map(torch.from_numpy, encoder.encode(CAPTIONS))
    assert model.condition(tokens, mask).shape == (3, 32)


def test_a_caption_is_encoded_once_whoever_asks(encoder, tmp_path, monkeypatch):
    first = CachedText(encoder, tmp_path)
    tokens, mask = first(CAPTIONS[:2])
    again = CachedText(encoder, tmp_path)
    asked = []
    encode = encoder.encode
    monkeypatch.setattr(encoder, "encode", lambda group: asked.extend(group) or encode(group))
    same, same_mask = again(CAPTIONS[:2])
    assert not asked
    np.testing.assert_array_equal(same, tokens)
    np.testing.assert_array_equal(same_mask, mask)
    np.testing.assert_allclose(tokens, encode(CAPTIONS[:2])[0], atol=2e-3)  # half precision
    again([CAPTIONS[1], CAPTIONS[2], CAPTIONS[2]])
    assert asked == [CAPTIONS[2]]


def test_a_damaged_file_is_made_again(encoder, tmp_path):
    cached = CachedText(encoder, tmp_path)
    tokens, _ = cached(CAPTIONS[:1])
    (file,) = tmp_path.rglob("*.npy")
    file.write_bytes(file.read_bytes()[:50])
    np.testing.assert_array_equal(cached(CAPTIONS[:1])[0], tokens)
    assert len(np.load(file)) == 7


def test_another_tower_has_a_cache_of_its_own(encoder, tmp_path):
    other = ClipText(random_clip(tmp_path, seed=1))
    assert other.identity != encoder.identity
    CachedText(other, tmp_path)(CAPTIONS[:1])
    assert not np.allclose(
        CachedText(encoder, tmp_path)(CAPTIONS[:1])[0], CachedText(other, tmp_path)(CAPTIONS[:1])[0]
    )


def test_missing_weights_say_what_to_download_and_where_it_goes(tmp_path):
    with pytest.raises(IntermambaError, match=r"download https://.*put it at .*open_clip_model\.safetensors"):
        ClipText(tmp_path)


def test_other_weights_are_refused(tmp_path):
    save_file({"token_embedding.weight": torch.zeros(9, 64)}, tmp_path / WEIGHTS)
    with pytest.raises(IntermambaError, match="does not hold OpenAI's CLIP"):
        ClipText(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"broken")
    with pytest.raises(IntermambaError, match="cannot be read"):
        ClipText(tmp_path)
