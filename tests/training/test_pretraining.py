"""The loop of what is learnt before the first step, and what long loops say."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("rich")

from torch.optim.lr_scheduler import LambdaLR  # noqa: E402

from training import progress  # noqa: E402
from training.pretraining import descend  # noqa: E402
from training.progress import counted  # noqa: E402


def test_it_goes_down_by_the_schedule_and_tells_the_end(capsys):
    x = torch.nn.Parameter(torch.tensor(0.0))
    schedule = LambdaLR(torch.optim.SGD([x], lr=0.5), lambda step: 1 / (step + 1))
    asked = []

    def loss(step):
        asked.append(float(x.detach()))
        return 3 * x, x + step

    assert descend("slope", 4, [schedule], loss) == pytest.approx((0 - 0.5 - 0.25 + 0.25) / 4)
    assert asked == pytest.approx([0, -1.5, -2.25, -2.75])  # half of 3, of 3 / 2, of 3 / 3
    assert capsys.readouterr().err == "slope: 4 steps, loss -0.125 at the end\n"


def test_where_there_is_no_terminal_the_time_left_is_told_now_and_then(capsys, monkeypatch):
    clock = iter(range(0, 10_000, 15))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    assert list(counted("abcde", "letters")) == list("abcde")
    assert capsys.readouterr().err == "letters: 1 of 5, 2 minutes left\nletters: 3 of 5, 1 minutes left\n"
