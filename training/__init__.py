"""Training: produces the bundles that the engines run."""
