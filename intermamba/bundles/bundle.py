"""A bundle: the folder that an engine loads. Nothing in it is ever unpickled.

config.json     format, name, version, model (sizes of the network), fps, max_frames, text_encoder, licence,
                acknowledgement, training_data, git_commit, defaults, nearest (its `threshold`: the nearness
                under which a prompt is far from all known ones), files (SHA-256 of every other file)
weights.safetensors, condition.onnx, denoiser.onnx    the network, for torch and for onnxruntime
text.onnx, tokenizer.json                             the text encoder
stats.npz       mean and std of the features (262,), rest offsets of the generated people (22, 3) in metres
prompts.json    what the model knows: [{"prompt": "...", "seconds": 7.0, "interaction": "...", "title": "..."}, ...];
                the last two may be missing
known.npz       optional, for warnings (text/nearest.py): embeddings of phrasings that training used, known (N, 384)
                float16, the entry of prompts.json that stands for each, shown (N,) int16, and foreign (F, 384) float16
anchors.npz     optional (text/anchors.py): conditions of captions that training used, (N, C) int8 times scale, and,
                where they are known, touches (M,) text and the ones that each caption is of, asks (N, M) in bits
MODEL_CARD.md   what the model is, for people
"""

import hashlib
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BundleError
from ..files import atomic_write
from ..text.anchors import Anchors
from ..text.encoder import GRAPH as TEXT
from ..text.encoder import TOKENIZER
from ..text.nearest import KnownPhrasings

FORMAT = 1
CONFIG = "config.json"
STATS = "stats.npz"
PROMPTS = "prompts.json"
KNOWN = "known.npz"
ANCHORS = "anchors.npz"
WEIGHTS = "weights.safetensors"
CONDITION = "condition.onnx"
DENOISER = "denoiser.onnx"
REQUIRED = (STATS, PROMPTS, WEIGHTS, CONDITION, DENOISER, TEXT, TOKENIZER)
BUNDLED = "duet-mini"
MODELS_VARIABLE = "INTERMAMBA_MODELS"
_STATS_SHAPES = {"mean": (262,), "std": (262,), "rest": (22, 3)}
_CONFIG_TYPES: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "version": str,
    "model": dict,
    "fps": (int, float),
    "max_frames": int,
    "defaults": dict,
    "files": dict,
}
_DEFAULT_TYPES: dict[str, type | tuple[type, ...]] = {"steps": int, "guidance": (int, float), "sampler": str}


@dataclass(frozen=True)
class Prompt:
    """A prompt that a model knows, with a length that suits it."""

    prompt: str
    seconds: float
    interaction: str = ""
    """Its measure's name; empty in bundles that know one thing."""
    title: str = ""


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files were found whole; the network itself is loaded by an engine."""

    folder: Path
    config: dict[str, Any]
    mean: np.ndarray
    """(262,) float32, of the features of one person."""
    std: np.ndarray
    """(262,) float32, all above zero."""
    rest: np.ndarray
    """(22, 3) float32 rest offsets of the generated people, metres."""
    prompts: list[Prompt]
    known: KnownPhrasings | None = None
    """What tells prompts that are far from all that the model knows; None in bundles that never warn."""
    anchors: Anchors | None = None
    """What prompts are pulled to; None where they are taken as they are."""

    @property
    def name(self) -> str:
        """The model's name and version, such as `duet-mini 1.0`."""
        return f"{self.config['name']} {self.config['version']}"

    @property
    def fps(self) -> float:
        """Frames per second of what the model makes."""
        return float(self.config["fps"])

    @property
    def max_frames(self) -> int:
        """The longest clip that the model makes."""
        return self.config["max_frames"]

    @property
    def defaults(self) -> dict[str, Any]:
        """The sampler, and its number of steps and guidance, where a request leaves them open."""
        return self.config["defaults"]

    @property
    def guided_from(self) -> int:
        """The least diffusion step at which guidance counts; 0 where it always does."""
        return int(self.config.get("guided_from", 0))

    @property
    def ways(self) -> int:
        """How many ways of meeting a prompt the model tells apart; 0 for one that does not."""
        return int(self.config["model"].get("ways", 0))

    @property
    def contrast(self) -> float:
        """How far each step is carried away from the mean of the data; 0 for a network that needs no help."""
        return float(self.config.get("contrast", 0.0))

    @property
    def least_distance(self) -> float:
        """How near (m) the two pelvises may come while sampling; 0 for no limit."""
        return float(self.config.get("least_distance", 0.0))

    @property
    def files(self) -> dict[str, Path]:
        """The paths of the bundle's files by name."""
        return {name: self.folder / name for name in self.config["files"]}


def bundled_folder() -> Path:
    """Return the folder of the bundle that comes with the package."""
    return Path(__file__).parent / BUNDLED


def list_bundles() -> list[Path]:
    """Return the folders of all installed bundles: those of the models folders first, then the package's own.

    The environment variable INTERMAMBA_MODELS holds one or more models folders, separated as PATH is.
    """
    roots = [
        Path(root).expanduser() for root in os.environ.get(MODELS_VARIABLE, "").split(os.pathsep) if root
    ]
    configs = [path for root in roots if root.is_dir() for path in sorted(root.glob(f"*/{CONFIG}"))]
    return [path.parent for path in configs] + [p.parent for p in [bundled_folder() / CONFIG] if p.is_file()]


def find_bundle(name: str | Path | None = None) -> Path:
    """Return the folder of a bundle given by name or folder; None is the one that comes with the package.

    Raises BundleError when there is none.
    """
    if name is None:
        return bundled_folder()
    if Path(name).expanduser().is_dir():
        return Path(name).expanduser()
    installed = {folder.name: folder for folder in reversed(list_bundles())}
    if str(name) in installed:
        return installed[str(name)]
    known = ", ".join(installed) or "none"
    raise BundleError(
        f"There is no model {str(name)!r}: give a folder, or the name of an installed one ({known})."
    )


def load_bundle(name: str | Path | None = None) -> Bundle:
    """Read a bundle, given as in find_bundle, and check every file against its SHA-256.

    Raises BundleError that says which file is missing, damaged or of an unknown format.
    """
    folder = find_bundle(name)
    config = _read_config(folder)
    for file, digest in config["files"].items():
        _check_file(folder, file, digest)
    mean, std, rest = read_stats(folder)
    prompts = read_prompts(folder)
    known = _read_known(folder, config, prompts) if KNOWN in config["files"] else None
    anchors = _read_anchors(folder) if ANCHORS in config["files"] else None
    return Bundle(folder, config, mean, std, rest, prompts, known, anchors)


def read_prompts(folder: str | Path) -> list[Prompt]:
    """Read the prompts of a bundle's folder, and nothing else of it. Raises BundleError when they are damaged."""
    try:
        entries = json.loads((Path(folder) / PROMPTS).read_text(encoding="utf-8"))
        return [
            Prompt(
                str(entry["prompt"]),
                float(entry["seconds"]),
                str(entry.get("interaction", "")),
                str(entry.get("title", "")),
            )
            for entry in entries
        ]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(Path(folder), PROMPTS) from error


def write_config(folder: str | Path, config: dict[str, Any]) -> None:
    """Write config.json of the finished bundle `folder`: `config`, the format and all files' SHA-256.

    Raises BundleError when a file or a key that every bundle has is not there yet.
    """
    folder = Path(folder)
    names = sorted(
        p.name for p in folder.iterdir() if p.is_file() and p.name != CONFIG and not p.name.startswith(".")
    )
    config = {"format": FORMAT, **config, "files": {name: _sha256(folder / name) for name in names}}
    _check_config(config, folder)
    with atomic_write(folder / CONFIG) as temporary:
        temporary.write_text(
            json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
        )


def write_stats(folder: str | Path, mean: np.ndarray, std: np.ndarray, rest: np.ndarray) -> None:
    """Write stats.npz: mean and std of the features (262,), rest offsets (22, 3) in metres."""
    with atomic_write(Path(folder) / STATS) as temporary:
        np.savez(temporary, mean=np.float32(mean), std=np.float32(std), rest=np.float32(rest))
    read_stats(Path(folder))


def write_known(folder: str | Path, known: KnownPhrasings) -> None:
    """Write known.npz. The threshold belongs into config.json, as nearest."""
    with atomic_write(Path(folder) / KNOWN) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            known=np.float16(known.known),
            shown=np.int16(known.shown),
            foreign=np.float16(known.foreign),
        )


def write_anchors(folder: str | Path, anchors: Anchors) -> None:
    """Write anchors.npz, to the 254th part of the largest value."""
    scale = np.float32(np.abs(anchors.conditions).max() / 127)
    known: dict[str, Any] = {}
    if anchors.asks is not None:
        known = {"touches": np.array(anchors.touches, np.str_), "asks": np.packbits(anchors.asks, axis=1)}
    with atomic_write(Path(folder) / ANCHORS) as temporary, temporary.open("wb") as file:
        np.savez(file, conditions=np.int8(np.rint(anchors.conditions / scale)), scale=scale, **known)


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise BundleError(f"{folder} is not a model bundle: it has no {CONFIG}.")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(folder, CONFIG) from error
    if not isinstance(config, dict) or "format" not in config:
        raise _damaged(folder, CONFIG)
    if config["format"] != FORMAT:
        raise BundleError(
            f"The model {folder} has format {config['format']!r}, but {FORMAT} is what this version reads: "
            "update intermamba."
        )
    _check_config(config, folder)
    return config


def _check_config(config: dict[str, Any], folder: Path) -> None:
    for keys, values in ((_CONFIG_TYPES, config), (_DEFAULT_TYPES, config.get("defaults"))):
        for key, kind in keys.items():
            if not isinstance(values, dict) or not isinstance(values.get(key), kind):
                raise BundleError(f"The model {folder} has no valid {key!r} in {CONFIG}: export it again.")
    for name in REQUIRED:
        if name not in config["files"]:
            raise BundleError(f"The model {folder} has no {name} among its files: export it again.")


def _check_file(folder: Path, name: str, digest: str) -> None:
    path = folder / name
    if Path(name).name != name:
        raise BundleError(f"The model {folder} names the file {name!r} outside itself: do not use it.")
    if not path.is_file():
        raise BundleError(f"The model {folder} lacks {name}: install it again.")
    if _sha256(path) != digest:
        raise _damaged(folder, name)


def read_stats(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read mean, std and rest of a bundle's folder. Raises BundleError."""
    try:
        with np.load(folder / STATS, allow_pickle=False) as stats:
            arrays = {name: stats[name] for name in _STATS_SHAPES}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _damaged(folder, STATS) from error
    for name, shape in _STATS_SHAPES.items():
        array = arrays[name]
        if array.shape != shape or array.dtype != np.float32:
            raise BundleError(
                f"{name} in {folder / STATS} is {array.dtype} {array.shape} where float32 {shape} belongs: "
                "export the model again."
            )
        if not np.isfinite(array).all() or (name == "std" and array.min() <= 0):
            raise BundleError(f"{name} in {folder / STATS} has impossible values: export the model again.")
    return arrays["mean"], arrays["std"], arrays["rest"]


def _read_known(folder: Path, config: dict[str, Any], prompts: list[Prompt]) -> KnownPhrasings:
    nearest = config.get("nearest")
    threshold = nearest.get("threshold") if isinstance(nearest, dict) else None
    if not isinstance(threshold, int | float):
        raise BundleError(f"The model {folder} has no valid 'nearest' in {CONFIG}: export it again.")
    try:
        with np.load(folder / KNOWN, allow_pickle=False) as file:
            known, foreign = (file[name].astype(np.float32) for name in ("known", "foreign"))
            shown = file["shown"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _damaged(folder, KNOWN) from error
    if not (
        known.ndim == foreign.ndim == 2
        and known.shape[1] == foreign.shape[1]
        and shown.shape == known.shape[:1] != (0,)
        and shown.dtype.kind == "i"
        and 0 <= shown.min() <= shown.max() < len(prompts)
        and np.isfinite(known).all()
        and np.isfinite(foreign).all()
    ):
        raise _damaged(folder, KNOWN)
    return KnownPhrasings(known, shown, foreign, [entry.prompt for entry in prompts], float(threshold))


def _read_anchors(folder: Path) -> Anchors:
    try:
        with np.load(folder / ANCHORS, allow_pickle=False) as file:
            conditions, scale = file["conditions"], float(file["scale"])
            touches = file["touches"].tolist() if "touches" in file else []
            asks = np.unpackbits(file["asks"], axis=1, count=len(touches)).astype(bool) if touches else None
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise _damaged(folder, ANCHORS) from error
    if conditions.ndim != 2 or not conditions.size or conditions.dtype != np.int8 or not np.isfinite(scale):
        raise _damaged(folder, ANCHORS)
    if asks is not None and asks.shape != (len(conditions), len(touches)):
        raise _damaged(folder, ANCHORS)
    return Anchors(conditions.astype(np.float32) * np.float32(scale), tuple(touches), asks)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(folder: Path, name: str) -> BundleError:
    return BundleError(f"{name} of the model {folder} is damaged: install the model again.")
