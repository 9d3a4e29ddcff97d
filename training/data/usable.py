"""Bad clips are left out with a line each and counted; a dataset of nothing but bad clips is an error."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from intermamba.errors import IntermambaError

Name = TypeVar("Name")
Loaded = TypeVar("Loaded")


def usable(names: Iterable[Name], load: Callable[[Name], Loaded], where: str | Path) -> list[Loaded]:
    """What `load` gives for each of `names`, without those for which it raises IntermambaError.

    Each of these is a line on standard error. Raises IntermambaError when nothing but bad ones is there.
    """
    kept: list[Loaded] = []
    problems: list[str] = []
    for name in names:
        try:
            kept.append(load(name))
        except IntermambaError as error:
            problems.append(str(error))
            print(f"skipped: {error}", file=sys.stderr)
    if problems and not kept:
        raise IntermambaError(f"None of the {len(problems)} clips of {where} can be used: {problems[0]}")
    if problems:
        print(f"{where}: {len(problems)} of {len(problems) + len(kept)} clips skipped.", file=sys.stderr)
    return kept
