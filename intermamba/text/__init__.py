"""From a prompt to token features."""
