"""What every denoiser has around its blocks: a noisy pair, a diffusion step and a text condition come in.

Shapes: B batch, P people (2), T frames, F features, L tokens, D width, S text tokens, K and C channels of the
frozen encoder and of the condition.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import IntermambaError
from .config import ModelConfig
from .embedding import sinusoid, waves
from .prior import Prior
from .text import TextTransformer
from .ways import way_codes


class Denoiser(nn.Module):
    """The text transformer, the embedding of frames, step and text, the blocks and the output layer.

    `block(config)` gives a module that maps (people, emb_BD) to the next state of the people. `people` is a list of
    (B,L,D): one tensor with both people folded into its batch axis when they share their weights, else one each.
    """

    def __init__(self, config: ModelConfig, block: Callable[[ModelConfig], nn.Module]) -> None:
        super().__init__()
        self.config = config
        width, token = config.width, config.patch * config.features
        self.text = TextTransformer(config)
        self.text_proj = nn.Linear(config.condition_width, width)
        self.time_mlp = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.in_proj = nn.Linear(token, width)
        self.blocks = nn.ModuleList(block(config) for _ in range(config.blocks))
        self.out_proj = zero(nn.Linear(width, token))
        self.token_proj = zero(nn.Linear(width, width)) if config.direct_text else None
        self.out_scale = zero(nn.Linear(width, 2 * width)) if config.direct_text else None
        self.when_proj = zero(nn.Linear(3 * width, 2 * width)) if config.direct_text else None
        roles = config.person_embedding and config.shared_people
        self.person_PD = nn.Parameter(0.02 * torch.randn(2, width)) if roles else None
        self.role_proj = zero(nn.Linear(config.condition_width, 2 * width)) if roles else None
        self.prior = Prior(config) if config.prior else None
        self.positions_LD: Tensor
        self.register_buffer(
            "positions_LD", sinusoid(torch.arange(config.max_tokens), width), persistent=False
        )
        self.ways_WC: Tensor
        codes = torch.from_numpy(way_codes(config.ways, config.condition_width))
        self.register_buffer("ways_WC", codes, persistent=False)
        half_steps = torch.arange(1 - config.max_tokens, config.max_tokens) / 2
        self.from_middle_KD: Tensor
        self.register_buffer("from_middle_KD", waves(half_steps, width), persistent=False)

    def condition(self, tokens_BSK: Tensor, mask_BS: Tensor, way_B: Tensor | None = None) -> Tensor:
        """Give cond_BC from the frozen text encoder's tokens; a zero vector stands for no condition.

        `way_B` are numbers of ways, for a model that tells them apart.
        """
        return self.in_way(self.text(tokens_BSK, mask_BS), way_B)

    def in_way(self, cond_BC: Tensor, way_B: Tensor | None) -> Tensor:
        """Give a condition that asks for a way of doing it as well."""
        return cond_BC if way_B is None or not self.config.ways else cond_BC + self.ways_WC[way_B]

    def places(self, tokens: int) -> Tensor:
        """Where the tokens of a clip are (L,3D), counted from its start, its end and its middle."""
        place_LD, most = self.positions_LD[:tokens], self.config.max_tokens
        middle_LD = self.from_middle_KD[most - tokens : most + tokens - 1 : 2]
        return torch.cat([place_LD, place_LD.flip(0), middle_LD], -1)

    def forward(self, x_BPTF: Tensor, t_B: Tensor, cond_BC: Tensor) -> Tensor:
        """Predict the clean, normalised features x_0 (B,P,T,F) of a pair noised to step t in 0..999.

        T may be anything up to config.max_frames.
        """
        _check(x_BPTF, self.config)
        batch, people, frames, _ = x_BPTF.shape
        emb_BD = self.time_mlp(sinusoid(t_B, self.config.width)) + self.text_proj(cond_BC)
        h_BPLD = self.in_proj(to_patches(x_BPTF, self.config.patch))
        h_BPLD = h_BPLD + self.positions_LD[: h_BPLD.shape[2]]
        if self.person_PD is not None:  # in noise, shared weights cannot tell who is who
            h_BPLD = h_BPLD + self.person_PD[:, None]
        told_BPD = emb_BD[:, None].repeat(1, people, 1)
        if self.role_proj is not None:  # what the prompt asks of the one is not what it asks of the other
            told_BPD = told_BPD + self.role_proj(cond_BC).unflatten(-1, (people, -1))
        moment_BPLD = self._moments(told_BPD, h_BPLD.shape[2])
        if self.token_proj is not None:  # LayerNorms alone are slow to learn what is asked for
            h_BPLD = h_BPLD + self.token_proj(moment_BPLD)
        if self.config.shared_people:
            state, told_BD = [h_BPLD.flatten(0, 1)], told_BPD.flatten(0, 1)
        else:
            state, told_BD = list(h_BPLD.unbind(1)), emb_BD
        for index, block in enumerate(self.blocks):
            if self.config.two_way and index:  # every other block reads the clip from its end
                state = [h.flip(1) for h in state]
            state = block(state, told_BD)
        if self.config.two_way and len(self.blocks) % 2 == 0:
            state = [h.flip(1) for h in state]
        h_BPLD = torch.stack(state, 1).view(batch, people, -1, self.config.width)
        if self.out_scale is not None:
            scale_BPLD, shift_BPLD = self.out_scale(moment_BPLD).chunk(2, -1)
            h_BPLD = h_BPLD * (1 + scale_BPLD) + shift_BPLD
        x_BPLK = self.out_proj(h_BPLD)
        if self.prior is not None:
            mean_BPLK = self.prior(cond_BC, self.places(x_BPLK.shape[2]))
            x_BPLK = x_BPLK + self.prior.share(t_B) * (mean_BPLK - x_BPLK)
        return x_BPLK.view(batch, people, -1, self.config.features)[:, :, :frames]

    def _moments(self, told_BPD: Tensor, tokens: int) -> Tensor:
        """What is asked of each person at each token, which knows how far start, end and middle of the clip are."""
        told_BPLD = told_BPD[:, :, None]
        if self.when_proj is not None:
            scale_LD, shift_LD = self.when_proj(self.places(tokens)).chunk(2, -1)
            told_BPLD = told_BPLD * (1 + scale_LD) + shift_LD
        return F.silu(told_BPLD)


def zero(linear: nn.Linear) -> nn.Linear:
    """Set a layer to zero, so that at the start of training it adds nothing, and give it back."""
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


def exchange(h_BLD: Tensor) -> Tensor:
    """Give each person the other's state, where both are folded into the batch axis."""
    h_BPLD = h_BLD.view(-1, 2, *h_BLD.shape[1:])
    return torch.stack([h_BPLD[:, 1], h_BPLD[:, 0]], 1).flatten(0, 1)


def others(people: list[Tensor]) -> list[Tensor]:
    """Give each person the other's state, for a list as the blocks get it."""
    return people[::-1] if len(people) == 2 else [exchange(people[0])]


def to_patches(x_BPTF: Tensor, patch: int) -> Tensor:
    """Lay `patch` following frames side by side, (B,P,L,patch*F); the last frame fills up the last token."""
    frames = x_BPTF.shape[2]
    tokens = (frames + patch - 1) // patch
    frame = torch.arange(tokens * patch, device=x_BPTF.device).clamp(max=frames - 1)
    return x_BPTF[:, :, frame].unflatten(2, (tokens, patch)).flatten(3)


def _check(x_BPTF: Tensor, config: ModelConfig) -> None:
    _, people, frames, features = x_BPTF.shape
    if people != 2 or features != config.features:
        raise IntermambaError(
            f"The network takes 2 people of {config.features} features, not {people} of {features}."
        )
    if frames > config.max_frames:
        raise IntermambaError(
            f"This model makes at most {config.max_frames} frames; {frames} were asked for."
        )
