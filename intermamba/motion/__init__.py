"""The body and its numbers: skeleton, rotations, features, placement, reconstruction, metrics, files."""
