"""`python -m intermamba.cli`: the same as the command `intermamba`."""

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main())
