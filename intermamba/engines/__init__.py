"""Engines: what turns a request into a motion. One interface, onnxruntime or torch behind it."""
