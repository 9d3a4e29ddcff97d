# make demo      two people dancing salsa: a .blend, an FBX each, a .glb and a picture, in out/
# make gallery   a clip of every interaction that the bundled model knows: docs/interactions.png
# make test      every test, on Blender 4.2, 4.5 and 5.0 as Python modules
# Where there is no make: `pip install nox`, then `python -m nox -s demo` or `python -m nox -s test`.

PYTHON ?= python3.11

.PHONY: demo gallery test
demo gallery test: .venv/nox-is-ready
	.venv/bin/python -m nox -s $@

.venv/nox-is-ready:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed (Blender's modules are built for it): install it, or give its path: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet nox
	@touch $@
