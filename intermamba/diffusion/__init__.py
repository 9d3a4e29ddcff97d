"""The noise schedule, the samplers and guidance: plain arithmetic on numpy and torch arrays alike."""
