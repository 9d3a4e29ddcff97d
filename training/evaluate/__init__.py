"""Measures of what a bundle makes, beside the real thing."""
