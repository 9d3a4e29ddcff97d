"""What every engine shares: the request, and the way from its prompt to a motion.

Shapes: B batch, 2 people, T frames, 262 features, S text tokens, C channels of the condition.
"""

import ctypes
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from ..bundles.bundle import Bundle, load_bundle
from ..diffusion.guidance import contrasted, guided
from ..diffusion.samplers import SAMPLERS, Denoiser, OnStep
from ..diffusion.schedule import cosine_schedule
from ..errors import IntermambaError
from ..model.ways import way_codes
from ..motion.apart import keep_apart
from ..motion.features import FEATURES
from ..motion.find_touches import ASKED
from ..motion.finish import finish
from ..motion.motion import Motion
from ..motion.reconstruct import reconstruct
from ..text.encoder import TextEncoder
from ..text.nearest import sentence_embedding

MIN_FRAMES = 16
MAX_STEPS = 1000
MAX_GUIDANCE = 20
MAX_SEED = 2**63 - 1
APART_FROM = 970
"""The diffusion step from which people are kept apart; before it the network puts both where it puts everyone."""

Device = Literal["auto", "cpu", "cuda", "mps", "torch"]
"""cpu is onnxruntime; cuda (NVIDIA, or AMD by ROCm) and mps (Apple) are torch there, torch is torch on the CPU.

auto is cuda where NVIDIA's driver is and torch can use it, else cpu: without compiled kernels a GPU may well be slower.
"""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asks for; what is None is left to the bundle."""

    prompt: str
    frames: int = 210
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None
    sampler: str | None = None

    def settings(self, bundle: Bundle) -> dict[str, Any]:
        """Return steps, guidance and sampler, the bundle's own where the request leaves them open."""
        asked = {"steps": self.steps, "guidance": self.guidance, "sampler": self.sampler}
        return {name: bundle.defaults[name] if value is None else value for name, value in asked.items()}

    def validate(self, bundle: Bundle) -> None:
        """Raise IntermambaError, saying what would be right, when the bundle cannot make what is asked for."""
        shortest, longest = (f"{frames / bundle.fps:.1f}" for frames in (MIN_FRAMES, bundle.max_frames))
        steps, guidance, sampler = self.settings(bundle).values()
        for holds, message in (
            (self.prompt.strip(), "The prompt is empty: say what the two people do."),
            (
                _is_whole(self.frames, MIN_FRAMES, bundle.max_frames),
                f"Ask for {MIN_FRAMES} to {bundle.max_frames} frames "
                f"({shortest.removesuffix('.0')} to {longest.removesuffix('.0')} seconds); {self.frames} was given.",
            ),
            (
                _is_whole(self.seed, 0, MAX_SEED),
                f"Give a whole number from 0 as the seed; {self.seed} was given.",
            ),
            (_is_whole(steps, 1, MAX_STEPS), f"Ask for 1 to {MAX_STEPS} sampling steps; {steps} was given."),
            (
                isinstance(guidance, int | float) and 0 <= guidance <= MAX_GUIDANCE,
                f"Ask for a guidance from 0 to {MAX_GUIDANCE}; {guidance} was given.",
            ),
            (sampler in SAMPLERS, f"Choose {' or '.join(SAMPLERS)} as the sampler; {sampler} was given."),
        ):
            if not holds:
                raise IntermambaError(message)


class Engine(ABC):
    """A loaded bundle that samples motions."""

    name: str
    """What runs it, as the motion's settings tell."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @abstractmethod
    def condition(self, tokens: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return the condition (B, C) of text tokens (B, S, 384) and their mask (B, S) bool."""

    @abstractmethod
    def denoise(self, x: np.ndarray, t: int, cond: np.ndarray) -> np.ndarray:
        """Return x_0 for normalised x (B, 2, T, 262) float32 at diffusion step t; cond (B, C), 0 for none."""

    @cached_property
    def text(self) -> TextEncoder:
        """The bundle's text encoder."""
        return TextEncoder(self.bundle.folder)

    def encode(self, prompt: str) -> np.ndarray:
        """Return the condition (1, C) of a prompt, said with captions of training where the bundle has some."""
        condition = self.condition(*self.text.encode([prompt]))
        return self.bundle.anchors.pull(condition) if self.bundle.anchors else condition

    def in_way(self, cond: np.ndarray, seed: int) -> np.ndarray:
        """Return a condition (1, C) that asks for a way of doing it as well: seeds in a row take the ways in turn."""
        ways = self.bundle.ways
        return cond + way_codes(ways, cond.shape[1])[seed % ways] if ways else cond

    def touches(self, prompt: str) -> list[str]:
        """Return the contacts that a prompt asks for, as "hand on hand", where the bundle can tell."""
        anchors = self.bundle.anchors
        return anchors.asked(self.condition(*self.text.encode([prompt]))) if anchors else []

    def warning(self, prompt: str) -> str:
        """Return a sentence for a prompt that is far from all known ones, and one for what is too long, else ""."""
        sentences = [self.text.warning(prompt)]
        if self.bundle.known is not None:
            (embedding,) = sentence_embedding(*self.text.encode([prompt]))
            sentences.append(self.bundle.known.warning(prompt, embedding))
        return " ".join(filter(None, sentences))

    def sample(
        self, request: Request, on_step: OnStep | None = None, on_warning: Callable[[str], None] | None = None
    ) -> Motion:
        """Return the motion that is asked for; `on_step` hears of each sampling step, and ends it by raising.

        A prompt that is too long, or far from all that the bundle knows, is sampled all the same: `on_warning` hears of
        it before the first step, and the motion's settings keep that as `warning`. Raises IntermambaError for a request
        that cannot be met.
        """
        request.validate(self.bundle)
        settings: dict[str, Any] = {**request.settings(self.bundle), "engine": self.name}
        if licence := self.bundle.config.get("licence"):
            settings["licence"] = licence
        if warning := self.warning(request.prompt):
            settings["warning"] = warning
            if on_warning:
                on_warning(warning)
        if touches := self.touches(request.prompt):
            settings[ASKED] = touches
        cond = self.in_way(self.encode(request.prompt), request.seed)
        denoise = self._steered(self._guided(cond, settings["guidance"]))
        x_T = noise(request.seed, request.frames)
        x_0 = SAMPLERS[settings["sampler"]](denoise, x_T, cosine_schedule(), on_step, steps=settings["steps"])
        motion = reconstruct(x_0[0] * self.bundle.std + self.bundle.mean, self.bundle.rest, self.bundle.fps)
        return finish(
            replace(
                motion,
                prompt=request.prompt,
                seed=request.seed,
                model=self.bundle.name,
                settings=settings,
            )
        )

    def _steered(self, denoise: Denoiser) -> Denoiser:
        """The denoiser with the bundle's contrast, and with people kept apart at every step, not only at the end:
        so the network sees where they stand and moves the rest of their bodies to suit.
        """
        mean, std = self.bundle.mean, self.bundle.std
        contrast, distance = self.bundle.contrast, self.bundle.least_distance

        def steered(x: np.ndarray, t: int) -> np.ndarray:
            x_0 = contrasted(denoise(x, t), t, contrast)
            if distance and t <= APART_FROM:
                x_0 = ((keep_apart(x_0 * std + mean, distance) - mean) / std).astype(np.float32)
            return x_0

        return steered

    def _guided(self, cond: np.ndarray, scale: float) -> Denoiser:
        """The denoiser of one pair: both halves of guidance in one call, or the one needed.

        A small network whose prompt has said what happens is pushed beyond its data by guidance later on: hands that
        are held come apart. So a bundle may have it in the noisiest steps alone.
        """
        both = np.concatenate([cond, np.zeros_like(cond)])
        least = self.bundle.guided_from

        def denoise(x: np.ndarray, t: int) -> np.ndarray:
            if scale == 1 or t < least:
                return self.denoise(x, t, cond)
            return guided(self.denoise(np.concatenate([x, x]), t, both), scale)

        return denoise


def noise(seed: int, frames: int) -> np.ndarray:
    """Return x_T (1, 2, T, 262) float32: drawn by numpy, so that it is the same for every engine and device."""
    return np.random.default_rng(seed).standard_normal((1, 2, frames, FEATURES), np.float32)


def load_engine(bundle: Bundle | str | Path | None = None, device: Device = "auto") -> Engine:
    """Return an engine for a bundle (or its name or folder; None is the bundled one) on a device.

    Raises BundleError for a bundle that is missing or damaged, IntermambaError for a device that is not there.
    """
    if device not in get_args(Device):
        raise IntermambaError(f"Choose {', '.join(get_args(Device))} as the device; {device} was given.")
    if not isinstance(bundle, Bundle):
        bundle = load_bundle(bundle)
    if device in ("cuda", "mps", "torch") or (device == "auto" and _cuda_is_likely()):
        engine = _torch_engine(bundle, device)
        if engine is not None:
            return engine
    from .onnx_engine import OnnxEngine

    return OnnxEngine(bundle)


def _torch_engine(bundle: Bundle, device: Device) -> Engine | None:
    """The torch engine; None where `auto` finds no CUDA after all."""
    try:
        from .torch_engine import TorchEngine, is_available
    except ImportError as error:
        raise IntermambaError(
            f"The {device} engine needs {error.name}: run `pip install 'intermamba[torch]'`."
        ) from error
    if device == "torch":
        return TorchEngine(bundle, "cpu")
    wanted = "mps" if device == "mps" else "cuda"
    if is_available(wanted):
        return TorchEngine(bundle, wanted)
    if device == "auto":
        return None
    kind = "Apple GPU" if device == "mps" else "CUDA GPU"
    raise IntermambaError(
        f"No {kind} can be used by torch here: choose cpu, or see what `intermamba doctor` says."
    )


def _cuda_is_likely() -> bool:
    """Whether torch and NVIDIA's driver are installed, found without the seconds that importing torch takes."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return find_spec("torch") is not None


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and least <= value <= most
