"""Muon takes the matrices inside the network, AdamW the rest, and both resume exactly."""

import copy

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from training.optimizers import inner_matrices, make_optimizers  # noqa: E402


class Net(nn.Module):
    """A layer of each kind."""

    def __init__(self):
        super().__init__()
        self.in_proj, self.inner, self.out_proj = nn.Linear(6, 8), nn.Linear(8, 4), nn.Linear(4, 6)
        self.conv = nn.Conv1d(4, 4, 3)

    def forward(self, x):
        return self.out_proj(self.conv(self.inner(self.in_proj(x)).transpose(1, 2)).transpose(1, 2))


def step(net, optimizers, seed, rate=1e-2):
    x = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(seed))
    net(x).square().mean().backward()
    optimizers.step(rate)
    optimizers.zero_grad()


def with_ends():
    """A network that has every layer which Muon's authors leave to AdamW."""
    net = Net()
    net.text, net.prior = nn.Module(), nn.Module()
    net.text.in_proj, net.text.out_proj = nn.Linear(3, 4), nn.Linear(4, 4)
    net.prior.told, net.prior.out = nn.Linear(3, 4), nn.Linear(4, 6)
    return net


def muons(optimizers):
    return sorted(optimizers.parts[1][1])


def test_only_inner_linear_layers_are_muons():
    assert list(inner_matrices(Net())) == ["inner.weight"]
    optimizers = make_optimizers(Net(), "muon", 1e-3, 0.0)
    assert muons(optimizers) == ["inner.weight"]
    assert len(make_optimizers(Net(), "adamw", 1e-3, 0.0).parts) == 1
    ours = muons(make_optimizers(with_ends(), "muon", 1e-3, 0.0))
    assert ours == ["inner.weight", "prior.told.weight", "text.out_proj.weight"]


def test_a_run_goes_on_with_the_split_it_began_with(monkeypatch):
    """Runs of before had Muon for two layers more; their checkpoints load, and their steps are as they were."""
    net = with_ends()
    for p in net.parameters():
        p.grad = torch.ones_like(p)
    with monkeypatch.context() as patch:
        patch.setattr("training.optimizers.ENDS", ("in_proj", "out_proj"))
        begun = make_optimizers(net, "muon", 1e-2, 0.0)
    begun.step(1e-2)
    resumed = make_optimizers(net, "muon", 1e-2, 0.0, state=begun.tensors())
    assert muons(resumed) == muons(begun)
    assert {"prior.out.weight", "text.in_proj.weight"} <= set(muons(resumed))
    assert resumed.tensors().keys() == begun.tensors().keys()
    assert "prior.out.weight" not in muons(make_optimizers(net, "muon", 1e-2, 0.0, state={}))


def test_an_update_of_muon_is_nearly_orthogonal_and_of_adamws_size():
    net = Net()
    before = net.inner.weight.detach().clone()
    step(net, make_optimizers(net, "muon", 1e-2, 0.0), 0)
    update = (net.inner.weight.detach() - before).double()
    singular = torch.linalg.svdvals(update)
    assert singular.min() > 0.4 * singular.max()
    # 0.2 sqrt(longer side) times an orthogonal matrix: every entry's root mean square is 0.2 learning rates
    assert update.square().mean().sqrt() == pytest.approx(0.2e-2, rel=0.4)


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_restored_optimizers_go_on_alike(kind):
    torch.manual_seed(0)
    net = Net()
    optimizers = make_optimizers(net, kind, 1e-2, 1e-2)
    for seed in range(3):
        step(net, optimizers, seed)
    twin = copy.deepcopy(net)
    restored = make_optimizers(twin, kind, 1e-2, 1e-2, state=copy.deepcopy(optimizers.tensors()))
    step(net, optimizers, 3)
    step(twin, restored, 3)
    for a, b in zip(net.parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_the_text_transformer_may_learn_more_slowly(kind):
    net = Net()
    net.text = nn.Linear(2, 2)
    optimizers = make_optimizers(net, kind, 1e-2, 0.0, text_factor=0.25)
    optimizers.step(4e-3)
    rates = {
        id(p): group["lr"]
        for part, _ in optimizers.parts
        for group in part.param_groups
        for p in group["params"]
    }
    assert rates[id(net.text.weight)] == pytest.approx(1e-3)
    assert rates[id(net.inner.weight)] == pytest.approx(4e-3)
    for p in net.parameters():
        p.grad = torch.ones_like(p)
    optimizers.step(4e-3)
    restored = make_optimizers(net, kind, 1e-2, 0.0, text_factor=0.25, state=optimizers.tensors())
    assert restored.tensors().keys() == optimizers.tensors().keys()
