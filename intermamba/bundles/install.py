"""Installing a bundle from a zip: it is unpacked and checked out of sight, and appears whole or not at all."""

import json
import re
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ..errors import BundleError
from .bundle import CONFIG, Bundle, load_bundle

MAX_BYTES = 4_000_000_000
MAX_CONFIG = 1_000_000
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    KeyError,
)
"""What zipfile raises for zips that are cut off, damaged, encrypted or packed in a way that it does not know."""


def install_bundle(path: str | Path, models: str | Path) -> Path:
    """Unpack the bundle in the zip `path` into a new folder of the folder `models`, and return it.

    The zip holds the bundle's files at its top or in one folder; only files that config.json names are unpacked, and
    each must have its SHA-256. Raises BundleError, and leaves `models` as it was.
    """
    path, models = Path(path), Path(models)
    try:
        models.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".import-", dir=models) as hidden:
            unpacked = Path(hidden) / "bundle"  # one level deeper than list_bundles looks
            unpacked.mkdir()
            with zipfile.ZipFile(path) as file:
                _unpack(file, path, unpacked)
            bundle = _checked(unpacked, path)
            folder = models / _folder_name(bundle.name)
            if folder.exists():
                raise BundleError(
                    f"{bundle.name} is installed already: delete {folder} first to install it again."
                )
            return unpacked.rename(folder)
    except _UNREADABLE as error:
        raise BundleError(f"{path} is not a whole zip file: get it again. ({error})") from error
    except OSError as error:
        raise BundleError(f"{path} cannot be installed in {models}: {error.strerror or error}.") from error


def _unpack(file: zipfile.ZipFile, path: Path, folder: Path) -> None:
    """Copy config.json, and the files that it names, of the zip into a folder."""
    entries = {entry.filename: entry for entry in file.infolist() if not entry.is_dir()}
    for name in entries:
        if "\\" in name or ":" in name or name.startswith("/") or ".." in PurePosixPath(name).parts:
            raise BundleError(f"{path} wants to write outside of its folder ({name!r}): do not use it.")
    configs = [name for name in entries if PurePosixPath(name).name == CONFIG and name.count("/") <= 1]
    if len(configs) != 1:
        raise BundleError(f"{path} is not a model: it has no {CONFIG}, or several. Zip a bundle's folder.")
    prefix = configs[0].removesuffix(CONFIG)
    if entries[configs[0]].file_size > MAX_CONFIG:
        raise BundleError(f"{path} is not a model: its {CONFIG} is too large.")
    names = [configs[0], *(prefix + name for name in _named_files(file.read(configs[0])))]
    wanted = [entries[name] for name in names if name in entries]
    size = sum(entry.file_size for entry in wanted)
    if size > MAX_BYTES:
        raise BundleError(
            f"{path} would take {size / 1e9:.1f} GB, more than the {MAX_BYTES / 1e9:g} GB that a model may have."
        )
    for entry in wanted:
        name = entry.filename.removeprefix(prefix)
        if "/" not in name:  # load_bundle says what it thinks of the others
            with file.open(entry) as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)


def _named_files(config: bytes) -> list[str]:
    """The names in a config.json; none where it is damaged, which load_bundle tells better."""
    try:
        return [str(name) for name in json.loads(config)["files"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []


def _checked(folder: Path, path: Path) -> Bundle:
    """The bundle in a folder of this module's, whose name would tell the user nothing."""
    try:
        return load_bundle(folder)
    except BundleError as error:
        raise BundleError(str(error).replace(str(folder), str(path))) from error


def _folder_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "model"
