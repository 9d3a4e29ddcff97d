from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F

from intermamba.errors import IntermambaError
from intermamba.model import conv, scan
from intermamba.model.astm import ASTM, AdaLN, SelfASTM
from intermamba.model.network import LIIA, InterMamba
from intermamba.model.ssm import MSSM, SSM
from intermamba.model.ways import SIZE, way_codes

from .test_ablations import ABLATIONS

BEYOND_THE_PAPER = dict.fromkeys(("person_embedding", "two_way", "inter_residual", "direct_text"), True)
OPTIONS = [
    {},
    {"shared_people": False},
    {"delta": "eq6"},
    BEYOND_THE_PAPER,
    BEYOND_THE_PAPER | {"shared_people": False},
    *ABLATIONS,
    BEYOND_THE_PAPER | {"denoiser": "transformer"},
]


def pair(config, frames, batch=2):
    random = torch.Generator().manual_seed(1)
    x = torch.randn(batch, 2, frames, config.features, generator=random)
    cond = torch.randn(batch, config.condition_width, generator=random)
    return x, torch.arange(batch) * 400 + 7, cond


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "separate"])
@pytest.mark.parametrize("frames", [1, 2, 15, 29, 30])
def test_clips_of_any_length(tiny, awake, frames, shared):
    network = awake(replace(tiny, shared_people=shared))
    x, t, cond = pair(tiny, frames)
    y = network(x, t, cond)
    assert y.shape == x.shape
    assert y.isfinite().all()
    torch.testing.assert_close(network(x[1:], t[1:], cond[1:]), y[1:])  # samples do not touch each other


def test_too_long_and_misshapen_clips_are_refused(tiny, awake):
    network = awake(tiny)
    with pytest.raises(IntermambaError, match="at most 30 frames; 31"):
        network(*pair(tiny, 31))
    with pytest.raises(IntermambaError, match="2 people of 7 features, not 2 of 9"):
        network(*pair(replace(tiny, features=9), 12))


def test_exchanging_the_people_exchanges_the_result(tiny, awake):
    x, t, cond = pair(tiny, 20)
    network = awake(tiny)
    torch.testing.assert_close(network(x.flip(1), t, cond), network(x, t, cond).flip(1))
    network = awake(replace(tiny, shared_people=False))
    assert not torch.allclose(network(x.flip(1), t, cond), network(x, t, cond).flip(1), atol=1e-2)


def test_each_person_hears_of_the_other(tiny, awake):
    network = awake(tiny)
    x, t, cond = pair(tiny, 20)
    x.requires_grad_()
    (heard,) = torch.autograd.grad(network(x, t, cond)[:, 0].square().sum(), x)
    assert heard[:, 0].any()
    assert heard[:, 1].any()


def test_the_last_frame_fills_the_last_token(tiny, awake):
    network = awake(tiny)
    x, t, cond = pair(tiny, 16)
    filled = torch.cat([x, x[:, :, -1:], x[:, :, -1:]], 2)
    torch.testing.assert_close(network(x, t, cond), network(filled, t, cond)[:, :, :16])


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_numba_is_the_reference_through_the_whole_network(tiny, awake, options, monkeypatch):
    pytest.importorskip("numba")
    results = []
    for form in ("numba", "reference"):
        monkeypatch.setattr(scan, "best_form", lambda *_, form=form: form)
        monkeypatch.setattr(conv, "best_form", lambda *_, form=form: form)
        network = awake(replace(tiny, **options))
        x, t, cond = pair(tiny, 20)
        y = network(x, t, cond)
        y.square().sum().backward()
        results.append([y.detach(), *(p.grad for p in network.parameters() if p.grad is not None)])
    for ours, expected in zip(*results, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_weight_is_used(tiny, awake, options):
    network = awake(replace(tiny, **options))
    x, t, _ = pair(tiny, 30)
    cond = network.condition(torch.randn(2, 5, tiny.text_width), torch.ones(2, 5, dtype=torch.bool))
    network(x, t, cond).square().sum().backward()
    unused = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert unused == []


def test_a_new_network_says_zero_and_can_learn(tiny):
    torch.manual_seed(0)
    network = InterMamba(tiny)
    x, t, cond = pair(tiny, 30, batch=4)
    assert not network(x, t, cond).any()
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        loss = (network(x, t, cond) - x).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_what_is_beyond_the_paper_begins_as_the_paper(tiny):
    """All of it but the person embedding and the reading direction adds nothing at the start."""
    plain = InterMamba(tiny)
    more = InterMamba(replace(tiny, inter_residual=True, direct_text=True))
    with torch.no_grad():
        plain.out_proj.weight.normal_()
    assert more.load_state_dict(plain.state_dict(), strict=False).unexpected_keys == []
    x, t, _ = pair(tiny, 20)
    tokens, mask = torch.randn(2, 5, tiny.text_width), torch.ones(2, 5, dtype=torch.bool)
    plain.eval(), more.eval()
    torch.testing.assert_close(
        more(x, t, more.condition(tokens, mask)), plain(x, t, plain.condition(tokens, mask))
    )


def test_adaln_begins_as_a_layer_norm_and_is_conditioned(tiny):
    norm, h, emb = AdaLN(6, 4), torch.randn(2, 5, 6), torch.randn(2, 4)
    torch.testing.assert_close(norm(h, emb), F.layer_norm(h, (6,), eps=1e-6))
    with torch.no_grad():
        norm.linear.bias.copy_(torch.tensor([1.0] * 6 + [3.0] * 6))
    torch.testing.assert_close(norm(h, emb), 2 * F.layer_norm(h, (6,), eps=1e-6) + 3)


def test_spatial_branch_is_the_temporal_one_turned_around(tiny, awake):
    """Equations 7 and 8 have one structure; h' swaps tokens and features."""
    config = replace(tiny, width=4, patch=1, max_frames=8)  # as many tokens as inner features
    astm = awake(config).blocks[0].self_astm[0].astm
    for name in ("conv", "ssm", "norm"):
        getattr(astm.temporal, name).load_state_dict(getattr(astm.spatial, name).state_dict())
    x_BLE = torch.randn(2, 8, 8)
    turned = astm.spatial.mix(x_BLE).transpose(1, 2)
    torch.testing.assert_close(astm.spatial(x_BLE), astm.temporal(turned).transpose(1, 2))


def test_a_short_clip_uses_the_first_spatial_weights(tiny, awake):
    network = awake(tiny)
    x, t, cond = pair(tiny, 12)  # 4 of 10 tokens
    before = network(x, t, cond)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if ".spatial." in name and weight.shape[0] == 10:
                weight[4:] = 9.0
    torch.testing.assert_close(network(x, t, cond), before)


@pytest.mark.parametrize("guided", [False, True], ids=["own", "guided"])
def test_a_short_clip_costs_and_gives_what_a_padded_one_does(tiny, awake, guided):
    """The spatial branch of 4 tokens is that of all 10, when what is beyond the clip is kept at zero."""
    block = awake(tiny).blocks[0]
    branch = (block.cross_astm if guided else block.self_astm)[0].astm.spatial
    x, guide = (F.pad(torch.randn(2, 4, tiny.inner), (0, 0, 0, 6)) for _ in range(2))
    real = torch.arange(10)[:, None] < 4

    def padded(x_BLE, mix, conv):
        mixed = real * (torch.einsum("kl,ble->bke", mix.weight, x_BLE) + mix.bias[:, None])
        return real * conv(mixed)

    mixed = padded(x, branch.mix, branch.conv)
    told = padded(guide, branch.mix_guide, branch.conv_guide) if guided else mixed
    y = branch.ssm(mixed, told)[:, :4]
    weight, bias = branch.norm.weight[:4, None], branch.norm.bias[:4, None]
    variance = y.var(1, keepdim=True, correction=0)
    expected = weight * (y - y.mean(1, keepdim=True)) / (variance + 1e-5).sqrt() + bias
    ours = branch(x[:, :4], guide[:, :4] if guided else None)
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)


def test_branches_are_weighed_by_learned_scalars(tiny, awake):
    """Equation 9."""
    astm = awake(tiny).blocks[0].self_astm[0].astm
    h = torch.randn(2, 6, tiny.width)
    x = astm.in_proj(h)
    torch.testing.assert_close(astm(h), astm.w_alpha * astm.temporal(x) + astm.w_beta * astm.spatial(x))
    names = [name for name, _ in InterMamba(tiny).named_parameters() if name.endswith(("w_alpha", "w_beta"))]
    assert len(names) == 2 * 2 * tiny.blocks  # in every Self- and Cross-ASTM


def test_self_astm_is_gated_and_residual(tiny, awake):
    """Equation 10."""
    block: SelfASTM = awake(tiny).blocks[0].self_astm[0]
    h, emb = torch.randn(2, 6, tiny.width), torch.randn(2, tiny.width)
    normal = block.norm(h, emb)
    expected = h + block.out_proj(block.astm(normal) * F.silu(block.gate(normal)))
    torch.testing.assert_close(block(h, emb), expected)


def test_liia_gathers_both_people_over_three_tokens(tiny, awake):
    """Equation 11, with the grouped convolution written out."""
    liia: LIIA = awake(tiny).blocks[0].liia
    a, b, emb = torch.randn(1, 5, 16), torch.randn(1, 5, 16), torch.randn(1, 16)
    both = liia.conv_1(liia.norm(torch.cat([a, b], -1), emb))[0]
    padded = F.pad(both, (0, 0, 1, 1))
    expected = liia.conv_3.bias.repeat(5, 1)
    for token in range(5):
        for out in range(16):
            group = slice(0, 16) if out < 8 else slice(16, 32)
            window = padded[token : token + 3, group]
            expected[token, out] += (liia.conv_3.weight[out].T * window).sum()
    torch.testing.assert_close(liia(a, b, emb)[0], expected)


@pytest.mark.parametrize("delta", ["low_rank", "eq6"])
def test_mixed_model_takes_its_parameters_from_the_guide(tiny, delta):
    """Section IV-D: linear in x once the guide is fixed; with x as its own guide it is the SSM."""
    config = replace(tiny, delta=delta)
    mixed, own = MSSM(6, config), SSM(6, config)
    own.load_state_dict(mixed.state_dict())
    x, guide = torch.randn(2, 6, 9), torch.randn(2, 6, 9)
    torch.testing.assert_close(mixed(3 * x, guide), 3 * mixed(x, guide))
    assert not torch.allclose(mixed(x, guide), mixed(x, 2 * guide))
    torch.testing.assert_close(own(x), mixed(x, x))


def test_equation_6_step_sizes(tiny):
    """One projected value a step, normalised over the sequence, added to P of every channel."""
    ssm = SSM(6, replace(tiny, delta="eq6"))
    one_BL1 = torch.randn(2, 9, 1)
    normal = (one_BL1 - one_BL1.mean(1, keepdim=True)) / one_BL1.std(1, keepdim=True, correction=0)
    expected = F.softplus(ssm.dt_bias + ssm.dt_weight[0] * normal).transpose(1, 2)
    torch.testing.assert_close(ssm._step_sizes(one_BL1, 6), expected, rtol=1e-4, atol=1e-6)


def test_a_new_state_space_model_remembers_over_many_scales(tiny):
    ssm = SSM(256, tiny)
    steps = F.softplus(ssm.dt_bias)
    assert 1e-3 <= float(steps.detach().min()) < 2e-3
    assert 5e-2 < float(steps.detach().max()) <= 0.1001
    torch.testing.assert_close(-torch.exp(ssm.A_log[0]), -torch.arange(1.0, tiny.state + 1))
    assert (ssm.D == 1).all()


def test_temporal_branch_never_sees_the_future(tiny, awake):
    astm: ASTM = awake(tiny).blocks[0].self_astm[0].astm
    x = torch.randn(1, 8, tiny.inner)
    changed = x.clone()
    changed[:, 5:] += 1
    torch.testing.assert_close(astm.temporal(changed)[:, :5], astm.temporal(x)[:, :5])


def test_text_transformer_does_not_read_padding(tiny, awake):
    network = awake(tiny)
    tokens, mask = torch.randn(2, 6, tiny.text_width), torch.ones(2, 6, dtype=torch.bool)
    mask[1, 4:] = False
    cond = network.condition(tokens, mask)
    assert cond.shape == (2, tiny.condition_width)
    torch.testing.assert_close(cond[1:], network.condition(tokens[1:, :4], mask[1:, :4]))
    assert not torch.allclose(cond[0], cond[1])


def test_ways_are_told_apart_and_none_leaves_the_condition_as_it_is(tiny, awake):
    network = awake(replace(tiny, ways=3))
    tokens, mask = torch.randn(1, 4, tiny.text_width), torch.ones(1, 4, dtype=torch.bool)
    plain = network.condition(tokens, mask)
    ways = [network.condition(tokens, mask, torch.tensor([way])) - plain for way in range(3)]
    codes = torch.from_numpy(way_codes(3, tiny.condition_width))
    torch.testing.assert_close(torch.cat(ways), codes)
    torch.testing.assert_close(codes @ codes.T, torch.eye(3) * tiny.condition_width * SIZE**2)
    torch.testing.assert_close(awake(tiny).condition(tokens, mask, torch.tensor([0])), plain)


def test_the_end_of_text_is_the_last_real_token(tiny, awake):
    network = awake(replace(tiny, pool="end_of_text"))
    tokens, mask = torch.randn(3, 6, tiny.text_width), torch.ones(3, 6, dtype=torch.bool)
    mask[1, 4:] = False
    mask[2, 1:] = False
    cond = network.condition(tokens, mask)
    for row, length in enumerate((6, 4, 1)):
        x = network.text.layers(network.text.in_proj(tokens[row : row + 1, :length]))
        torch.testing.assert_close(cond[row], network.text.norm(x)[0, -1], rtol=1e-4, atol=1e-5)
