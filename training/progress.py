"""What a long loop says while it runs."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

LINE_EVERY = 20  # seconds, where there is no terminal

Item = TypeVar("Item")


def counted(items: Sequence[Item], what: str) -> Iterator[Item]:
    """The items one after another, with a bar and the time left on standard error; lines where that is no terminal."""
    console = Console(stderr=True)
    if console.is_terminal:
        yield from track(items, what, console=console)
        return
    started = told = time.monotonic()
    for done, item in enumerate(items):
        if (now := time.monotonic()) - told > LINE_EVERY:
            told, left = now, (now - started) / done * (len(items) - done) / 60
            print(f"{what}: {done} of {len(items)}, {left:.0f} minutes left", file=sys.stderr, flush=True)
        yield item
