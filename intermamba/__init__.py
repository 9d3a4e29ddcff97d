"""Two people from one prompt: motion arithmetic, the InterMamba sampler, and the worker that runs it beside Blender."""

__version__ = "0.1.0"
