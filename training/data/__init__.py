"""Data sets: motion files with captions in, batches of normalised features and text tokens out."""
