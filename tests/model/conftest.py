import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # the arrays are small, and other tests may run beside these


@pytest.fixture
def tiny():
    """Sizes that a test can run in milliseconds: 10 tokens of 3 frames."""
    from intermamba.model.config import ModelConfig

    return ModelConfig(
        width=16,
        blocks=2,
        state=4,
        patch=3,
        max_frames=30,
        features=7,
        text_width=12,
        condition_width=8,
        text_layers=1,
        text_heads=2,
        text_ff=16,
    )


@pytest.fixture
def awake():
    """Make a network whose every weight, the zero ones too, has a random part."""
    from intermamba.model.network import InterMamba

    def make(config):
        torch.manual_seed(0)
        network = InterMamba(config).eval()
        with torch.no_grad():
            for weight in network.parameters():
                weight += 0.05 * torch.randn_like(weight)
        return network

    return make
