"""Training runs, a file each."""
