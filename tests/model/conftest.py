import pytest

from intermamba.model.config import ModelConfig

TINY = ModelConfig(
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


@pytest.fixture(scope="session")
def tiny():
    """Sizes that a test can run in milliseconds: at most 10 tokens of 3 frames."""
    return TINY


@pytest.fixture(scope="session")
def awake():
    """Make a network whose every weight, those that begin at zero too, has a random part."""
    torch = pytest.importorskip("torch")
    from intermamba.model.network import make_network

    def make(config):
        torch.manual_seed(0)
        network = make_network(config).eval()
        with torch.no_grad():
            for weight in network.parameters():
                weight += 0.05 * torch.randn_like(weight)
        return network

    return make


@pytest.fixture(autouse=True)
def one_thread():
    """The arrays are small, and other tests may run beside these."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
