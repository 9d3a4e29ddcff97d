"""Bundles from zips: whole or not at all."""

import json
import zipfile

import numpy as np
import pytest

from intermamba.bundles import bundle as bundles
from intermamba.bundles import install
from intermamba.bundles.bundle import list_bundles, load_bundle, write_config, write_stats
from intermamba.bundles.install import install_bundle
from intermamba.errors import BundleError

from .test_bundle import CONFIG


@pytest.fixture
def files(tmp_path):
    """The files of a bundle, {name: bytes}."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name in bundles.REQUIRED:
        (folder / name).write_bytes(f"the bytes of {name}".encode() * 50)
    write_stats(folder, np.zeros(262), np.ones(262), np.zeros((22, 3)))
    (folder / "prompts.json").write_text('[{"prompt": "Two people wave.", "seconds": 4}]')
    write_config(folder, CONFIG)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def models(tmp_path):
    return tmp_path / "models"


def zipped(tmp_path, files, prefix=""):
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(prefix + name, data)
    return path


def refused(path, models, words):
    before = sorted(models.rglob("*")) if models.exists() else []
    with pytest.raises(BundleError, match=words):
        install_bundle(path, models)
    assert sorted(models.rglob("*")) == before


@pytest.mark.parametrize("prefix", ["", "my-model/"])
def test_a_bundle_is_installed(files, models, tmp_path, monkeypatch, prefix):
    extra = {"notes.txt": b"not named in config.json"}
    folder = install_bundle(zipped(tmp_path, files | extra, prefix), models)
    assert folder == models / "test-1.2"
    assert load_bundle(folder).name == "test 1.2"
    assert {path.name for path in folder.iterdir()} == set(files)
    assert [path.name for path in models.iterdir()] == ["test-1.2"]
    monkeypatch.setenv("INTERMAMBA_MODELS", str(models))
    assert folder in list_bundles()


def test_what_a_mac_puts_beside_it_does_not_matter(files, models, tmp_path):
    files = {f"m/{name}": data for name, data in files.items()} | {"__MACOSX/m/._config.json": b"x"}
    assert install_bundle(zipped(tmp_path, files), models).name == "test-1.2"


def test_nothing_is_replaced(files, models, tmp_path):
    path = zipped(tmp_path, files)
    install_bundle(path, models)
    refused(path, models, "installed already")


@pytest.mark.parametrize("name", ["../evil", "m/../../evil", "/evil", "C:evil", "..\\evil"])
def test_nothing_is_written_outside(files, models, tmp_path, name):
    refused(zipped(tmp_path, files | {name: b"x"}), models, "write outside")
    assert not (tmp_path / "evil").exists()


def test_config_cannot_name_a_file_outside(files, models, tmp_path):
    config = json.loads(files["config.json"])
    config["files"]["../evil"] = "0" * 64
    files["config.json"] = json.dumps(config).encode()
    refused(zipped(tmp_path, files), models, "outside itself")


def test_a_zip_that_is_cut_off(files, models, tmp_path):
    path = zipped(tmp_path, files)
    path.write_bytes(path.read_bytes()[:-100])
    refused(path, models, "not a whole zip")


def test_a_damaged_zip(files, models, tmp_path):
    path = zipped(tmp_path, files)
    with zipfile.ZipFile(path) as file:
        start = file.getinfo("weights.safetensors").header_offset + 30 + len("weights.safetensors")
    data = bytearray(path.read_bytes())
    data[start + 5] ^= 0xFF
    path.write_bytes(data)
    refused(path, models, "not a whole zip")


def test_a_file_of_another_checksum_is_named_with_the_zip(files, models, tmp_path):
    path = zipped(tmp_path, files | {"weights.safetensors": b"other weights"})
    refused(path, models, rf"weights\.safetensors of the model {path} is damaged")


def test_a_missing_file_is_named(files, models, tmp_path):
    del files["denoiser.onnx"]
    refused(zipped(tmp_path, files), models, r"lacks denoiser\.onnx")


@pytest.mark.parametrize("config", [b"", b"{", b"[]", b'{"files": 3}'])
def test_a_damaged_config_is_named(files, models, tmp_path, config):
    refused(
        zipped(tmp_path, files | {"config.json": config}), models, r"config\.json of the model .* damaged"
    )


def test_a_zip_of_something_else(models, tmp_path):
    refused(zipped(tmp_path, {"photo.jpg": b"x"}), models, r"not a model: it has no config\.json")


def test_no_zip_at_all(models, tmp_path):
    (tmp_path / "model.zip").write_bytes(b"hello")
    refused(tmp_path / "model.zip", models, "not a whole zip")
    refused(tmp_path / "missing.zip", models, "No such file")


def test_too_large_is_refused_before_it_is_unpacked(files, models, tmp_path, monkeypatch):
    monkeypatch.setattr(install, "MAX_BYTES", 10_000)
    path = zipped(tmp_path, files | {"weights.safetensors": bytes(20_000)})
    assert path.stat().st_size < 10_000
    refused(path, models, "more than the 1e-05 GB")
    monkeypatch.setattr(install, "MAX_CONFIG", 10)
    refused(path, models, r"config\.json is too large")


def test_a_models_folder_that_cannot_be_written(files, tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(BundleError, match="cannot be installed"):
        install_bundle(zipped(tmp_path, files), tmp_path / "models")
