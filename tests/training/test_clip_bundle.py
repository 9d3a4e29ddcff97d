"""CLIP as a bundle's text encoder: the same ids and the same features as in training."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("onnxscript")
pytest.importorskip("open_clip", exc_type=ImportError)

from intermamba.text.encoder import MAX_TOKENS, TextEncoder  # noqa: E402
from training.clip_bundle import main, make_tower, write_tokenizer  # noqa: E402
from training.clip_text import WEIGHTS, ClipText, open_tokenizer, read_weights  # noqa: E402

from .test_clip_text import random_clip  # noqa: E402

CAPTIONS = [
    "Two people shake hands.",
    "One's partner  doesn't bow; they're 2 m apart - ready!",
    "Café déjà vu, naïve 王 (3rd) #1",
    "walk " * 70,
    "walk " * 100,
]


def test_captions_become_the_ids_of_training(tmp_path):
    from tokenizers import Tokenizer

    write_tokenizer(tmp_path / "tokenizer.json")
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    for caption, ids in zip(CAPTIONS, open_tokenizer()(CAPTIONS), strict=True):
        assert tokenizer.encode(caption).ids == ids[: int(ids.argmax()) + 1].tolist()


def test_the_tower_is_open_clips(tmp_path):
    folder = random_clip(tmp_path)
    ids = torch.tensor([[49406, 5, 9, 320, 49407]])
    with torch.no_grad():
        ours = make_tower(read_weights(folder / WEIGHTS))(ids, torch.ones_like(ids))
        padded = torch.nn.functional.pad(ids, (0, 72))
        theirs = ClipText(folder).tower(padded)[1][:, :5]
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_a_bundle_says_of_a_caption_what_training_does(tmp_path, capsys):
    folder = random_clip(tmp_path)
    assert main([str(folder), str(tmp_path / "text")]) == 0
    assert "cosine to the float tower" in capsys.readouterr().out
    ours, mask = TextEncoder(tmp_path / "text").encode(CAPTIONS)
    theirs, their_mask = ClipText(folder).encode(CAPTIONS)
    assert np.array_equal(mask, their_mask)
    cosine = (ours * theirs).sum(-1)[mask] / (
        np.linalg.norm(ours, axis=-1) * np.linalg.norm(theirs, axis=-1)
    )[mask]
    assert cosine.min() > 0.99


def test_missing_weights_are_a_sentence(tmp_path, capsys):
    assert main([str(tmp_path), str(tmp_path / "text")]) == 1
    assert "download" in capsys.readouterr().err
