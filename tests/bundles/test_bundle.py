import json

import numpy as np
import pytest

from intermamba.bundles import bundle as bundles
from intermamba.bundles.bundle import (
    Prompt,
    find_bundle,
    list_bundles,
    load_bundle,
    read_prompts,
    write_anchors,
    write_config,
    write_known,
    write_stats,
)
from intermamba.errors import BundleError
from intermamba.text.anchors import Anchors
from intermamba.text.nearest import KnownPhrasings

CONFIG = {
    "name": "test",
    "version": "1.2",
    "model": {"width": 8},
    "fps": 30,
    "max_frames": 64,
    "defaults": {"steps": 4, "guidance": 2.5, "sampler": "ddim"},
}


@pytest.fixture
def folder(tmp_path):
    """A bundle whose graphs and weights are a few bytes: loading a bundle does not look into them."""
    folder = tmp_path / "models" / "test"
    folder.mkdir(parents=True)
    for name in bundles.REQUIRED:
        (folder / name).write_bytes(f"the bytes of {name}".encode())
    write_stats(folder, np.zeros(262), np.ones(262), np.zeros((22, 3)))
    (folder / "prompts.json").write_text('[{"prompt": "Two people wave.", "seconds": 4}]')
    (folder / "MODEL_CARD.md").write_text("# Test")
    write_config(folder, CONFIG)
    return folder


def rewrite_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def test_a_written_bundle_loads(folder):
    bundle = load_bundle(folder)
    assert bundle.name == "test 1.2"
    assert (bundle.fps, bundle.max_frames) == (30.0, 64)
    assert bundle.defaults == CONFIG["defaults"]
    assert (bundle.mean.shape, bundle.std.shape, bundle.rest.shape) == ((262,), (262,), (22, 3))
    assert bundle.prompts == [Prompt("Two people wave.", 4.0)]
    assert bundle.known is None
    assert set(bundle.files) == {*bundles.REQUIRED, "MODEL_CARD.md"}
    assert all(path.is_file() for path in bundle.files.values())
    assert str(folder) in [str(p.parent) for p in bundle.files.values()]


def test_prompts_name_their_interaction(folder):
    entry = {"prompt": "Two people hug", "seconds": 3, "interaction": "embrace", "title": "Embrace"}
    (folder / "prompts.json").write_text(json.dumps([entry, {"prompt": "Hug", "seconds": 2}]))
    assert read_prompts(folder) == [Prompt("Two people hug", 3.0, "embrace", "Embrace"), Prompt("Hug", 2.0)]


@pytest.mark.parametrize("text", ["", "{}x", "[1]", '[{"prompt": "a"}]', '["a"]', '[{"seconds": 1}]'])
def test_damaged_prompts_are_named(folder, text):
    (folder / "prompts.json").write_text(text)
    with pytest.raises(BundleError, match=r"prompts\.json .* damaged"):
        read_prompts(folder)


def with_known(folder, threshold=0.5, **changes):
    arrays = {"known": np.eye(2), "shown": np.zeros(2, int), "foreign": np.empty((0, 2))} | changes
    write_known(folder, KnownPhrasings(**arrays, prompts=[]))
    write_config(folder, CONFIG | {"nearest": {"threshold": threshold}})
    return folder


def test_known_phrasings_load(folder):
    known = load_bundle(with_known(folder)).known
    assert known is not None
    assert known.threshold == 0.5
    assert known.known.dtype == np.float32
    assert "wave" in known.warning("swim", np.array([-1.0, 0.0]))
    assert known.warning("wave", np.array([1.0, 0.0])) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"shown": np.ones(2, int)},  # there is one prompt alone
        {"shown": np.zeros(3, int)},
        {"known": np.full((2, 2), np.nan)},
        {"known": np.empty((0, 2)), "shown": np.empty(0, int)},
        {"foreign": np.ones((1, 3))},
        {"known": np.ones(2)},
    ],
)
def test_impossible_known_phrasings_are_damaged(folder, changes):
    with pytest.raises(BundleError, match=r"known\.npz .* damaged"):
        load_bundle(with_known(folder, **changes))


def test_known_phrasings_need_a_threshold(folder):
    with pytest.raises(BundleError, match="no valid 'nearest'"):
        load_bundle(with_known(folder, threshold="low"))


def test_known_phrasings_are_never_unpickled(folder):
    np.savez(folder / "known.npz", known=np.array([{}]), shown=np.zeros(1, int), foreign=np.ones((1, 2)))
    write_config(folder, CONFIG | {"nearest": {"threshold": 0.5}})
    with pytest.raises(BundleError, match=r"known\.npz .* damaged"):
        load_bundle(folder)


def test_anchors_load_as_they_were_to_an_eighth_bit(folder):
    conditions = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    write_anchors(folder, Anchors(conditions))
    write_config(folder, CONFIG)
    anchors = load_bundle(folder).anchors
    assert anchors is not None
    np.testing.assert_allclose(anchors.conditions, conditions, atol=np.abs(conditions).max() / 250)
    assert anchors.asks is None


def test_anchors_keep_the_touches_that_captions_are_of(folder):
    touches = tuple(f"hand on {place}" for place in "abcdefghijk")
    asks = np.random.default_rng(0).random((20, len(touches))) < 0.3
    write_anchors(folder, Anchors(np.ones((20, 4), np.float32), touches, asks))
    write_config(folder, CONFIG)
    anchors = load_bundle(folder).anchors
    assert anchors is not None
    assert anchors.touches == touches
    assert np.array_equal(anchors.asks, asks)


@pytest.mark.parametrize(
    "arrays",
    [
        {"conditions": np.ones((2, 2), np.int8), "scale": np.float32(np.nan)},
        {"conditions": np.ones((2, 2)), "scale": np.float32(1)},
        {"conditions": np.empty((0, 2), np.int8), "scale": np.float32(1)},
        {"conditions": np.array([{}]), "scale": np.float32(1)},
        {
            "conditions": np.ones((2, 2), np.int8),
            "scale": np.float32(1),
            "touches": np.array(["hand on hand"]),
            "asks": np.ones((3, 1), np.uint8),
        },
    ],
)
def test_impossible_anchors_are_damaged(folder, arrays):
    np.savez(folder / "anchors.npz", **arrays)
    write_config(folder, CONFIG)
    with pytest.raises(BundleError, match=r"anchors\.npz .* damaged"):
        load_bundle(folder)


def test_every_damaged_file_is_named(folder):
    for name in json.loads((folder / "config.json").read_text())["files"]:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:-1] + b"\xff")
        with pytest.raises(BundleError, match=f"^{name} of the model .* is damaged"):
            load_bundle(folder)
        (folder / name).write_bytes(whole)
    load_bundle(folder)


def test_every_missing_file_is_named(folder):
    for name in json.loads((folder / "config.json").read_text())["files"]:
        (folder / name).rename(folder / "away")
        with pytest.raises(BundleError, match=f"lacks {name}"):
            load_bundle(folder)
        (folder / "away").rename(folder / name)


def test_a_folder_that_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="not a model bundle"):
        load_bundle(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "x"}', "\x00"])
def test_an_unreadable_config_is_damaged(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(BundleError, match=r"config\.json .* damaged"):
        load_bundle(folder)


@pytest.mark.parametrize("version", [2, "1", None])
def test_unknown_formats_ask_for_an_update(folder, version):
    rewrite_config(folder, format=version)
    with pytest.raises(BundleError, match="update intermamba"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", 3),
        ("model", None),
        ("max_frames", "300"),
        ("defaults", []),
        ("defaults", {"steps": 20}),
        ("files", 0),
    ],
)
def test_wrong_keys_are_named(folder, key, value):
    rewrite_config(folder, **{key: value})
    with pytest.raises(BundleError, match=r"no valid '\w+' in config\.json"):
        load_bundle(folder)


def test_files_outside_the_folder_are_refused(folder):
    files = json.loads((folder / "config.json").read_text())["files"]
    rewrite_config(folder, files={**files, "../secret": "0"})
    with pytest.raises(BundleError, match="outside itself"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((np.zeros(261), np.ones(262), np.zeros((22, 3))), r"mean .* \(261,\)"),
        ((np.zeros(262), np.ones((262, 1)), np.zeros((22, 3))), r"std .* \(262, 1\)"),
        ((np.zeros(262), np.ones(262), np.zeros((24, 3))), r"rest .* \(24, 3\)"),
        ((np.zeros(262), np.zeros(262), np.zeros((22, 3))), "std .* impossible"),
        ((np.full(262, np.nan), np.ones(262), np.zeros((22, 3))), "mean .* impossible"),
    ],
)
def test_statistics_of_wrong_shape_or_value(folder, arrays, message):
    with pytest.raises(BundleError, match=message):
        write_stats(folder, *arrays)
    write_config(folder, CONFIG)
    with pytest.raises(BundleError, match=message):
        load_bundle(folder)


def test_statistics_are_never_unpickled(folder):
    np.savez(folder / "stats.npz", mean=np.array([{}]), std=np.ones(262), rest=np.zeros((22, 3)))
    write_config(folder, CONFIG)
    with pytest.raises(BundleError, match=r"stats\.npz .* damaged"):
        load_bundle(folder)


def test_config_is_not_written_for_an_unfinished_bundle(folder):
    (folder / "config.json").unlink()
    (folder / "denoiser.onnx").unlink()
    with pytest.raises(BundleError, match=r"no denoiser\.onnx"):
        write_config(folder, CONFIG)
    assert not (folder / "config.json").exists()


def test_models_folders_are_searched(folder, monkeypatch, tmp_path):
    monkeypatch.setenv(
        "INTERMAMBA_MODELS", f"{tmp_path / 'none'}:{folder.parent}".replace(":", bundles.os.pathsep)
    )
    assert folder in list_bundles()
    assert find_bundle("test") == folder
    assert load_bundle("test").name == "test 1.2"
    with pytest.raises(BundleError, match=r"no model 'tset': .*test"):
        find_bundle("tset")


def test_none_is_the_bundled_model(monkeypatch):
    monkeypatch.delenv("INTERMAMBA_MODELS", raising=False)
    assert find_bundle(None) == bundles.bundled_folder()
    assert list_bundles() in ([], [bundles.bundled_folder()])
