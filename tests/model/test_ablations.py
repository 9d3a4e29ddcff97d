"""The variants of the paper's Tables IV and V, and the transformer, compute what they say, learn and sample."""

from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F

from intermamba.diffusion.samplers import ddim
from intermamba.diffusion.schedule import cosine_schedule
from intermamba.model.network import make_network

ABLATIONS = [
    {"branches": "temporal"},
    {"branches": "spatial"},
    {"fusion": "sum"},
    {"fusion": "linear"},
    {"fusion": "gate"},
    {"fusion": "plus"},
    {"guide": "other"},
    {"guide": "none"},
    {"guide": "other", "shared_people": False},
    {"delta": "eq6", "pool": "end_of_text"},
    {"denoiser": "transformer", "attention_heads": 2},
]


@pytest.mark.parametrize("options", ABLATIONS, ids=str)
def test_it_trains_20_steps_and_samples(tiny, options):
    torch.manual_seed(0)
    config, schedule = replace(tiny, **options), cosine_schedule()
    network = make_network(config)
    clean, t = torch.randn(4, 2, 12, config.features), torch.tensor([10, 300, 600, 950])
    signal = torch.as_tensor(schedule.alpha_bar, dtype=torch.float32)[t][:, None, None, None]
    noisy = signal.sqrt() * clean + (1 - signal).sqrt() * torch.randn_like(clean)
    tokens, mask = torch.randn(4, 5, config.text_width), torch.ones(4, 5, dtype=torch.bool)
    optimiser = torch.optim.AdamW(network.parameters(), lr=5e-3)
    losses = []
    for _ in range(20):
        loss = (network(noisy, t, network.condition(tokens, mask)) - clean).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]
    network.eval()
    with torch.no_grad():
        cond = network.condition(tokens, mask)
        sample = ddim(lambda x, t: network(x, torch.full((4,), t), cond), noisy, schedule, steps=3)
    assert sample.shape == clean.shape
    assert sample.isfinite().all()


@pytest.mark.parametrize("options", ABLATIONS, ids=str)
def test_it_learns_in_bfloat16_too(tiny, awake, options):
    network = awake(replace(tiny, **options))
    x, t, cond = (
        torch.randn(2, 2, 12, tiny.features),
        torch.tensor([3, 700]),
        torch.randn(2, tiny.condition_width),
    )
    with torch.autocast("cpu", torch.bfloat16):
        y = network(x, t, cond)
    y.float().square().mean().backward()
    error = (y - network(x, t, cond)).detach().norm() / y.detach().norm()
    assert float(error) < 0.05
    assert network.in_proj.weight.grad.isfinite().all()


def test_fusions_are_as_they_say(tiny, awake):
    """Table IV, as ASTM reads it."""
    h = torch.randn(2, 6, tiny.width)

    def of(**options):
        astm = awake(replace(tiny, **options)).blocks[0].self_astm[0].astm
        x = astm.in_proj(h)
        return astm, *(branch and branch(x) for branch in (astm.temporal, astm.spatial))

    astm, h_t, h_s = of(branches="temporal")
    assert h_s is None
    torch.testing.assert_close(astm(h), h_t)
    astm, h_t, h_s = of(branches="spatial")
    assert h_t is None
    torch.testing.assert_close(astm(h), h_s)
    astm, h_t, h_s = of(fusion="sum")
    torch.testing.assert_close(astm(h), h_t + h_s)
    astm, h_t, h_s = of(fusion="linear")
    torch.testing.assert_close(astm(h), astm.fuse(torch.cat([h_t, h_s], -1)))
    astm, h_t, h_s = of(fusion="gate")
    gate = torch.sigmoid(astm.fuse(torch.cat([h_t, h_s], -1)))
    torch.testing.assert_close(astm(h), gate * h_t + (1 - gate) * h_s)
    astm, h_t, h_s = of(fusion="plus")
    torch.testing.assert_close(astm(h), astm.fuse(h_t + h_s))
    plain, _, _ = of()
    x = astm.in_proj(h)
    plain.temporal.load_state_dict(astm.temporal.state_dict(), strict=False)
    torch.testing.assert_close(plain.temporal(x), plain.temporal.norm(h_t))  # the branch, not yet normalised


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "separate"])
def test_a_pair_without_cross_astm_is_two_single_people(tiny, awake, shared):
    x, t, cond = (
        torch.randn(1, 2, 12, tiny.features),
        torch.tensor([400]),
        torch.randn(1, tiny.condition_width),
    )
    changed = x.clone()
    changed[:, 1] += 1
    for guide, hears in (("none", False), ("other", True), ("liia", True)):
        network = awake(replace(tiny, guide=guide, shared_people=shared))
        same = torch.allclose(network(x, t, cond)[:, 0], network(changed, t, cond)[:, 0], atol=1e-6)
        assert same is not hears


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "separate"])
def test_without_liia_each_is_guided_by_the_other(tiny, awake, shared):
    block = awake(replace(tiny, guide="other", shared_people=shared)).blocks[0]
    a, b, emb = torch.randn(1, 4, 16), torch.randn(1, 4, 16), torch.randn(1, 16)
    roles = [0, 0] if shared else [0, 1]
    own = [block.self_astm[role](h, emb) for role, h in zip(roles, (a, b), strict=True)]
    expected = [block.cross_astm[role](own[i], emb, own[1 - i]) for i, role in enumerate(roles)]
    people = [torch.cat([a, b])] if shared else [a, b]
    ours = block(people, emb.repeat(2, 1) if shared else emb)
    torch.testing.assert_close(torch.cat(ours), torch.cat(expected))


def test_the_transformer_block_written_out(tiny, awake):
    """Every attention by its definition, with the zero that a token may also attend to."""
    config = replace(tiny, denoiser="transformer", attention_heads=2)
    block = awake(config).blocks[0]
    h, emb = torch.randn(2, 5, 16), torch.randn(1, 16).repeat(2, 1)

    def attend(attention, x, to):
        heads = attention.heads
        q, k, v = (
            (F.linear(source, *w)).unflatten(-1, (2, 8)).transpose(1, 2)
            for source, w in zip(
                (x, to, to),
                zip(heads.in_proj_weight.chunk(3), heads.in_proj_bias.chunk(3), strict=True),
                strict=True,
            )
        )
        k, v = (F.pad(z, (0, 0, 0, 1)) for z in (k, v))
        share = torch.softmax(q @ k.transpose(2, 3) / 8**0.5, -1)
        return heads.out_proj((share @ v).transpose(1, 2).flatten(2))

    own = block.norm_self(h, emb)
    state = h + attend(block.self_attention, own, own)
    told = block.norm_other(h.flip(0), emb)
    state = state + attend(block.cross_attention, block.norm_cross(state, emb), told)
    first, _, _, second = block.ff
    expected = state + second(F.gelu(first(block.norm_ff(state, emb))))
    torch.testing.assert_close(block([h], emb)[0], expected, rtol=1e-4, atol=1e-5)


def test_the_transformer_exchanges_with_the_people(tiny, awake):
    network = awake(replace(tiny, denoiser="transformer", attention_heads=2))
    x, t, cond = torch.randn(2, 2, 12, 7), torch.tensor([3, 700]), torch.randn(2, tiny.condition_width)
    torch.testing.assert_close(network(x.flip(1), t, cond), network(x, t, cond).flip(1))
