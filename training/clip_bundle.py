"""CLIP's text tower as a bundle's text encoder: `python -m training.clip_bundle CLIP FOLDER`.

CLIP is the folder of open_clip_model.safetensors; FOLDER gets text.onnx, its matrices in 8 bits, and tokenizer.json,
for `python -m training.export CHECKPOINT BUNDLE --text FOLDER`.
Shapes: B batch, S tokens, C channels, H heads.
"""

import argparse
import gzip
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from intermamba.errors import IntermambaError
from intermamba.files import atomic_write
from intermamba.text.encoder import GRAPH, TOKENIZER

from .clip_text import HEAD_WIDTH, WEIGHTS, read_weights
from .text_encoder import PARITY, Matrix, Table, parity, quantise, write_graph

START, END = "<|startoftext|>", "<|endoftext|>"
MERGES = 49152 - 256 - 2
"""Of CLIP's file of merges, how many it uses."""
# The words that are then cut into pieces, as CLIP's own tokenizer finds them.
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


class Block(nn.Module):
    """One pre-norm layer, whose tokens see those before them (Radford et al. 2021)."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = Matrix(width, 3 * width), Matrix(width, width)
        self.up, self.down = Matrix(width, 4 * width), Matrix(4 * width, width)

    def forward(self, x_BSC: Tensor, hidden_SS: Tensor) -> Tensor:
        heads = self.qkv(self.ln_1(x_BSC)).unflatten(2, (3, self.width // HEAD_WIDTH, HEAD_WIDTH))
        query, key, value = (x.transpose(1, 2) for x in heads.unbind(2))
        scores_BHSS = query @ key.transpose(2, 3) * HEAD_WIDTH**-0.5 + hidden_SS
        x_BSC = x_BSC + self.out((scores_BHSS.softmax(-1) @ value).transpose(1, 2).flatten(2))
        raised = self.up(self.ln_2(x_BSC))
        return x_BSC + self.down(raised * torch.sigmoid(1.702 * raised))


class Tower(nn.Module):
    """Token ids (B, S) and mask (B, S) of integers to the last hidden states (B, S, C), after the final norm."""

    def __init__(self, vocabulary: int, positions: int, width: int, layers: int):
        super().__init__()
        self.words, self.positions = Table(vocabulary, width), Table(positions, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        places = torch.arange(ids.shape[1], device=ids.device)
        x_BSC = self.words(ids) + self.positions(places)
        hidden_SS = (places[:, None] < places).float() * -1e4
        for block in self.blocks:
            x_BSC = block(x_BSC, hidden_SS)
        return self.norm(x_BSC) * mask[..., None]


def make_tower(weights: dict[str, Tensor]) -> Tower:
    """The tower with the weights of open_clip's file."""
    layers = len({name.split(".")[2] for name in weights if name.startswith("transformer.resblocks.")})
    vocabulary, width = weights["token_embedding.weight"].shape
    tower = Tower(vocabulary, len(weights["positional_embedding"]), width, layers)
    state = {
        "words.weight": weights["token_embedding.weight"],
        "positions.weight": weights["positional_embedding"],
    }
    for side in ("weight", "bias"):
        state[f"norm.{side}"] = weights[f"ln_final.{side}"]
        for k in range(layers):
            theirs = f"transformer.resblocks.{k}."
            for ours, name in (
                ("qkv", f"attn.in_proj_{side}"),
                ("out", f"attn.out_proj.{side}"),
                ("up", f"mlp.c_fc.{side}"),
                ("down", f"mlp.c_proj.{side}"),
                ("ln_1", f"ln_1.{side}"),
                ("ln_2", f"ln_2.{side}"),
            ):
                values = weights[theirs + name]
                state[f"blocks.{k}.{ours}.{side}"] = values.mT if values.ndim == 2 else values
    scales = {name: value for name, value in tower.state_dict().items() if name.endswith("scale")}
    tower.load_state_dict(state | scales)
    return tower.eval()


def write_tokenizer(path: Path) -> None:
    """Write CLIP's word pieces as tokenizer.json, from the file of merges that open_clip brings."""
    from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import BPE

    lines = gzip.decompress(_merges_file().read_bytes()).decode().split("\n")[1 : MERGES + 1]
    merges = [(first, second) for first, second in map(str.split, lines)]
    letters = _letters()
    pieces = [*letters, *(letter + "</w>" for letter in letters), *map("".join, merges), START, END]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(BPE(vocabulary, merges, unk_token=END, end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    marks = [(START, vocabulary[START]), (END, vocabulary[END])]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{START} $A {END}", special_tokens=marks)
    with atomic_write(path) as temporary:
        tokenizer.save(str(temporary))


def write_text_encoder(clip: Path, folder: Path) -> float:
    """Write text.onnx and tokenizer.json; give the least cosine of its tokens to the float tower's.

    Raises IntermambaError when that is under 0.99, or where weights or open_clip are missing.
    """
    tower = make_tower(read_weights(clip / WEIGHTS))
    write_tokenizer(folder / TOKENIZER)
    write_graph(quantise(tower), folder / GRAPH)
    cosine = parity(tower, folder)
    if cosine < PARITY:
        raise IntermambaError(
            f"The text tower in 8 bits is too far from the float one (cosine {cosine:.4f})."
        )
    return cosine


def _merges_file() -> Path:
    try:
        from open_clip.tokenizer import default_bpe
    except ImportError as error:
        raise IntermambaError(
            f"CLIP's words need open_clip: run `pip install intermamba[clip]` ({error})."
        ) from error
    return Path(default_bpe())


def _letters() -> list[str]:
    """A printable letter for each byte: its own where it has one, in the order of CLIP's first 256 pieces."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    return [*map(chr, printable), *(chr(256 + n) for n in range(256 - len(printable)))]


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and write."""
    parser = argparse.ArgumentParser(prog="python -m training.clip_bundle", description=__doc__)
    parser.add_argument("clip", type=Path, help=f"folder of {WEIGHTS}")
    parser.add_argument("folder", type=Path, help="where text.onnx and tokenizer.json go")
    options = parser.parse_args(arguments)
    try:
        cosine = write_text_encoder(options.clip, options.folder)
    except IntermambaError as error:
        print(f"clip_bundle: {error}", file=sys.stderr)
        return 1
    graph = options.folder / GRAPH
    print(f"{graph}: {graph.stat().st_size / 1e6:.0f} MB, cosine to the float tower {cosine:.4f} or more.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
