"""Pictures of two people's motion, without Blender: contact sheets and videos. Importing it needs the extra `viz`."""

from ..errors import IntermambaError

try:
    import PIL as _PIL  # noqa: F401
except ImportError as error:
    raise IntermambaError('Pictures need Pillow: run `pip install "intermamba[viz]"`.') from error
