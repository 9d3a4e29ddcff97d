"""A network's weights as a file: float16 in safetensors, the same bytes for torch and for onnxruntime."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ..errors import BundleError
from ..files import atomic_write
from .config import ModelConfig
from .denoiser import Denoiser
from .network import make_network


def save_weights(model: Denoiser, path: str | Path) -> None:
    """Write every weight as float16."""
    half = {name: tensor.detach().cpu().half().contiguous() for name, tensor in model.state_dict().items()}
    with atomic_write(path) as temporary:
        save_file(half, temporary)


def load_model(config: ModelConfig, path: str | Path) -> Denoiser:
    """Give the network of `path` on the CPU, in float32, ready to sample.

    Raises BundleError when the file is missing, damaged or of another size than `config`.
    """
    model = make_network(config)
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
        model.load_state_dict(tensors)
    except (OSError, SafetensorError) as error:
        raise BundleError(
            f"The weights {path} cannot be read ({error}); fetch or export the model again."
        ) from error
    except RuntimeError as error:
        raise BundleError(
            f"The weights {path} are of another size than its config.json; export it again."
        ) from error
    return model.eval().requires_grad_(False)
