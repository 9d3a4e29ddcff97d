"""The command `intermamba`: generate, models, doctor, setup-gpu, bench, worker."""

import argparse
import os
import sys
from typing import NoReturn

from .. import __version__
from ..errors import Cancelled, IntermambaError
from . import bench, doctor, generate, models, setup_gpu
from .console import FailedError

OK, FAILED, BAD_INPUT, CANCELLED = 0, 1, 2, 130
DEBUG = "INTERMAMBA_DEBUG"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One sentence, without the usage before it."""
        self.exit(BAD_INPUT, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 2 bad input, 1 failed, 130 cancelled by Ctrl-C."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["worker"]:
        from ..worker import server

        server.main(argv[1:])
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except (KeyboardInterrupt, Cancelled):
        return _end(CANCELLED, "Cancelled.")
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        if isinstance(error, IntermambaError):
            return _end(FAILED if isinstance(error, FailedError) else BAD_INPUT, str(error))
        return _end(FAILED, f"{type(error).__name__}: {error} (set {DEBUG}=1 to see where)")


def _end(code: int, sentence: str) -> int:
    print(f"intermamba: {sentence}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="intermamba", description="Two people's motion from one prompt.")
    parser.add_argument("--version", action="version", version=f"intermamba {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in (generate, models, doctor, setup_gpu, bench):
        module.add_command(commands)
    commands.add_parser("worker", help="sample for another program, over stdin and stdout")
    return parser
