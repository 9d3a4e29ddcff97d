"""`python -m intermamba`: the same as the command `intermamba`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
