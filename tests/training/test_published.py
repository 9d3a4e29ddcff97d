"""Made-up checkpoints in the published naming: read as tensors alone, names mapped, shapes checked."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from intermamba.errors import IntermambaError  # noqa: E402
from training.evaluate.interclip import InterCLIP, sinusoid  # noqa: E402
from training.evaluate.published import load_finest, load_interclip  # noqa: E402
from training.evaluate.t2m import T2M, T2MConfig  # noqa: E402

from .test_interclip import tiny  # noqa: E402

CONFIG = tiny(patch=1, vocabulary=20, text_positions=9)
RENAMED = {
    "motion_encoder.query": "motion_encoder.query_token",
    "motion_encoder.embed": "motion_encoder.embed_motion",
    "motion_encoder.norm": "motion_encoder.out_ln",
    "sentence_encoder.embed": "token_embedding",
    "sentence_encoder.positions": "positional_embedding",
    "sentence_encoder.transformer": "textTransEncoder",
    "sentence_encoder.norm": "text_ln",
    "sentence_encoder.out": "out",
}


def published(model):
    """Its state as InterGen's Lightning module saved it."""
    state = {}
    for name, tensor in model.state_dict().items():
        for ours, theirs in RENAMED.items():
            if name.startswith(ours):
                name = theirs + name.removeprefix(ours)
        state[f"model.{name}"] = tensor
    del state["model.motion_encoder.mean"], state["model.motion_encoder.std"]
    state["model.motion_encoder.sequence_pos_encoder.pe"] = sinusoid(2000, 8)[None]
    return state


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = InterCLIP(CONFIG).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def save(path, state):
    torch.save({"epoch": 5, "global_step": 9, "state_dict": state}, path)
    return path


def test_interclip_is_the_same_network_under_other_names(model, tmp_path):
    loaded = load_interclip(save(tmp_path / "interclip.ckpt", published(model)), CONFIG)
    motion, mask = torch.randn(2, 2, 8, 262), torch.ones(2, 8, dtype=torch.bool)
    torch.testing.assert_close(loaded.encode_motion(motion, mask), model.encode_motion(motion, mask))
    ids = torch.tensor([[18, 3, 4, 19, 0], [18, 7, 19, 0, 0]])
    mask = torch.ones(2, 5, dtype=torch.bool)
    torch.testing.assert_close(loaded.encode_text(ids, mask), model.encode_text(ids, mask))
    assert not loaded.training


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.pop("model.text_ln.weight"), r"lacks sentence_encoder\.norm\.weight"),
        (
            lambda s: s.update({"model.out.bias": torch.zeros(3)}),
            r"out\.bias of shape \(3,\) where \(4,\) belongs",
        ),
        (lambda s: s.update({"model.extra": torch.zeros(1)}), "holds extra, which"),
        (lambda s: s.update({"model.note": "text"}), "no `state_dict` of tensors"),
    ],
)
def test_a_file_of_anything_else_is_refused_in_a_sentence(model, tmp_path, change, words):
    state = published(model)
    change(state)
    with pytest.raises(IntermambaError, match=words):
        load_interclip(save(tmp_path / "interclip.ckpt", state), CONFIG)


def test_nothing_in_a_file_is_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ("run",)

    torch.save({"state_dict": Evil()}, tmp_path / "interclip.ckpt")
    with pytest.raises(IntermambaError, match="cannot be read as tensors alone"):
        load_interclip(tmp_path / "interclip.ckpt", CONFIG)
    (tmp_path / "broken.ckpt").write_bytes(b"nothing")
    with pytest.raises(IntermambaError, match="download it again"):
        load_interclip(tmp_path / "broken.ckpt", CONFIG)
    with pytest.raises(IntermambaError, match=r"none\.ckpt cannot be read"):
        load_interclip(tmp_path / "none.ckpt", CONFIG)


def test_inter_xs_evaluator_keeps_its_names(tmp_path):
    torch.manual_seed(0)
    size = T2MConfig(movement=8, motion=12, text=8, space=6)
    model = T2M(size).eval()
    parts = ("movement_encoder", "text_encoder", "motion_encoder")
    content = {part: model.get_submodule(part).state_dict() for part in parts}
    torch.save(content | {"epoch": 3, "opt_text_encoder": {"state": {}}}, tmp_path / "finest.tar")
    loaded = load_finest(tmp_path / "finest.tar", size)
    motion, frames = torch.randn(2, 150, 672), torch.tensor([40, 148])
    torch.testing.assert_close(loaded.encode_motion(motion, frames), model.encode_motion(motion, frames))
    torch.save({"text_encoder": {}}, tmp_path / "finest.tar")
    with pytest.raises(IntermambaError, match="no `movement_encoder` of tensors"):
        load_finest(tmp_path / "finest.tar", size)
