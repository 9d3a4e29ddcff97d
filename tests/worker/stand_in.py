"""A worker process that samples, or misbehaves in one way: `python stand_in.py MODE`."""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from intermamba.engines.fake import FakeEngine
from intermamba.worker.protocol import PROTOCOL, FrameReader, Message, encode
from intermamba.worker.server import serve, take_pipes


class Printing(FakeEngine):
    """Prints in every way that a library might."""

    def denoise(self, x, t, cond):
        print("a line by print")
        os.write(1, b"bytes to file descriptor 1\n")
        print("a line on stderr", file=sys.stderr)
        return super().denoise(x, t, cond)


class Broken(FakeEngine):
    """Fails within a step."""

    def denoise(self, x, t, cond):
        raise ValueError("the scan went wrong")


class Hanging(FakeEngine):
    """Never comes back from a step."""

    def denoise(self, x, t, cond):
        time.sleep(1000)


class Lost(FakeEngine):
    """Samples what is no number."""

    def sample(self, *given):
        motion = super().sample(*given)
        motion.rotations[1, 3] = np.nan
        return motion


class Dying(FakeEngine):
    """Takes the process with it, as a crash in native code would."""

    def denoise(self, x, t, cond):
        if t < 700:
            print("about to crash", file=sys.stderr, flush=True)
            os._exit(7)
        return super().denoise(x, t, cond)


ENGINES = {
    "fast": FakeEngine,
    "slow": lambda: FakeEngine(delay=0.02),
    "printing": Printing,
    "broken": Broken,
    "hanging": Hanging,
    "stuck": lambda: time.sleep(1000),
    "lost": Lost,
    "dying": Dying,
    "no memory": lambda: (_ for _ in ()).throw(MemoryError),
}


def main(mode: str) -> None:
    """Serve, or talk nonsense."""
    stdin, stdout = take_pipes()
    if mode in ENGINES:
        serve(stdin, stdout, ENGINES[mode])
        os._exit(0)
    greeting = Message("hello", {"protocol": 99 if mode == "other version" else PROTOCOL, "version": "9.9"})
    if mode == "banner":
        stdout.write(b"Welcome to gpu-box\n")
    elif mode != "silent":
        stdout.write(encode(greeting))
    stdout.flush()
    reader = FrameReader()
    while data := os.read(stdin.fileno(), 4096):
        if reader.feed(data) and mode == "garbage":
            stdout.write(b"IMWF" + b"\xff" * 100)
            stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
