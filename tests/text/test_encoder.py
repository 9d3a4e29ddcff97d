import json

import numpy as np
import pytest

from intermamba.bundles.bundle import bundled_folder
from intermamba.errors import BundleError
from intermamba.text.encoder import TextEncoder

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def encoder():
    return TextEncoder(bundled_folder())


def sentence(encoder, text):
    """all-MiniLM's own sentence embedding: the mean of the tokens, normalised."""
    tokens, mask = encoder.encode([text])
    mean = tokens[0, mask[0]].mean(0)
    return mean / np.linalg.norm(mean)


def test_features_are_all_minilm_l6_v2s(encoder):
    """The similarities that the model's own card prints: 0.695, 0.943 and 0.257."""
    person = sentence(encoder, "That is a happy person")
    others = ("That is a happy dog", "That is a very happy person", "Today is a sunny day")
    found = [float(person @ sentence(encoder, other)) for other in others]
    np.testing.assert_allclose(found, [0.695, 0.943, 0.257], atol=0.01)


def test_tokens_and_mask_have_the_longest_prompts_length(encoder):
    tokens, mask = encoder.encode(["Hug.", "Two people dance salsa."])
    assert tokens.shape == (2, 7, 384)  # [CLS] two people dance salsa . [SEP]
    assert tokens.dtype == np.float32
    np.testing.assert_array_equal(mask.sum(1), [4, 7])
    assert not tokens[~mask].any()


def test_a_prompt_has_the_same_features_in_any_company(encoder):
    alone, _ = encoder.encode(["Hug."])
    together, mask = encoder.encode(["Two people dance salsa.", "Hug."])
    np.testing.assert_array_equal(together[1, mask[1]], alone[0])


def test_the_graph_itself_takes_batches_and_hides_padding():
    """The encoder runs prompts one at a time; the graph takes any batch and length."""
    session = onnxruntime.InferenceSession(str(bundled_folder() / "text.onnx"))
    ids = np.array([[101, 7592, 2088, 999, 102], [101, 7592, 102, 0, 0]])
    tokens = session.run(["tokens"], {"ids": ids, "mask": np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])})[0]
    alone = session.run(["tokens"], {"ids": ids[1:, :3], "mask": np.ones((1, 3), np.int64)})[0]
    np.testing.assert_allclose(tokens[1, :3], alone[0], atol=1e-4)


def test_capitals_do_not_matter_and_words_do(encoder):
    shouted, said, other = (encoder.encode([p])[0] for p in ("THEY HUG", "they hug", "they jump"))
    np.testing.assert_array_equal(shouted, said)
    assert np.abs(said - other).max() > 0.1


def test_long_prompts_are_cut(encoder):
    tokens, mask = encoder.encode(["step and turn " * 100])
    assert tokens.shape == (1, 77, 384)
    assert mask.all()
    whole = encoder.encode(["step and turn " * 25])[0]  # 75 words between the two marks
    np.testing.assert_array_equal(tokens, whole)


def test_a_prompt_that_is_cut_is_told_where(encoder):
    assert encoder.warning("step and turn " * 25) == ""
    assert encoder.warning("step and turn " * 25 + "then bow deeply to each other, twice.") == (
        'The prompt is too long, and is not read from "then bow deeply to each ..." on: say it in fewer words.'
    )
    assert encoder.warning("Wave. " * 38 + "Bow") == (  # a full stop is a piece of its own
        'The prompt is too long, and is not read from ". Bow" on: say it in fewer words.'
    )


@pytest.mark.parametrize("prompt", ["", "   ", "踊る二人", "💃🕺", "a\x00b"])
def test_odd_prompts_give_finite_features(encoder, prompt):
    tokens, _ = encoder.encode([prompt])
    assert np.isfinite(tokens).all()


def test_missing_or_damaged_files_are_bundle_errors(tmp_path):
    with pytest.raises(BundleError, match="cannot be loaded"):
        TextEncoder(tmp_path)
    (tmp_path / "text.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match=r"text\.onnx cannot be loaded"):
        TextEncoder(tmp_path)
    (tmp_path / "text.onnx").write_bytes((bundled_folder() / "text.onnx").read_bytes())
    (tmp_path / "tokenizer.json").write_text(json.dumps({"version": "none"}))
    with pytest.raises(BundleError, match=r"tokenizer\.json cannot be loaded"):
        TextEncoder(tmp_path)
