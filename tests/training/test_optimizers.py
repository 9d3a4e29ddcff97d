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


def test_only_inner_linear_layers_are_muons():
    assert list(inner_matrices(Net())) == ["inner.weight"]
    optimizers = make_optimizers(Net(), "muon", 1e-3, 0.0)
    assert [names for _, names in optimizers.parts][1] == ["inner.weight"]
    assert len(make_optimizers(Net(), "adamw", 1e-3, 0.0).parts) == 1


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
    restored = make_optimizers(twin, kind, 1e-2, 1e-2)
    restored.restore(copy.deepcopy(optimizers.tensors()))
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
    restored = make_optimizers(net, kind, 1e-2, 0.0, text_factor=0.25)
    restored.restore(optimizers.tensors())
