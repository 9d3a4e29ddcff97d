"""What the commands say while they work."""

import sys
import time
from typing import TextIO

from ..errors import IntermambaError

BAR = 24
INTERVAL = 0.1


class FailedError(IntermambaError):
    """Something went wrong although the input was right."""


class Progress:
    """One line with a bar and the time left, on `stream` if that is a terminal, else nothing."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty()
        self._began = self._last = 0.0
        self._what = ""

    def show(self, what: str, done: int = 0, total: int = 0) -> None:
        """`what` is going on, `done` of `total`; a new `what` starts the clock again."""
        now = time.monotonic()
        if what != self._what:
            self._what, self._began, self._last = what, now, 0.0
        if not self._shown or (now - self._last < INTERVAL and done != total):
            return
        self._last = now
        line = what
        if total:
            full = BAR * done // total
            line += f"  [{'=' * full}{' ' * (BAR - full)}] {done}/{total}"
        if 0 < done < total:
            line += f"  {(now - self._began) / done * (total - done):.1f} s left"
        self._stream.write(f"\r\x1b[K{line}")
        self._stream.flush()

    def clear(self) -> None:
        """Remove the line."""
        if self._shown and self._what:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
        self._what = ""
