"""`python -m intermamba.worker`: serve frames on stdin and stdout."""

from .server import main

if __name__ == "__main__":
    main()
