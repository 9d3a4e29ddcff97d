"""Errors whose message is one sentence that a user can act on."""


class IntermambaError(Exception):
    """Something that the user can put right; the message says what and how."""


class MotionFileError(IntermambaError):
    """A motion file that cannot be read, or that does not hold two people's motion."""


class BundleError(IntermambaError):
    """A model bundle that is missing, damaged or of an unknown format."""


class WorkerError(IntermambaError):
    """The sampling process could not be started, died, or answered nonsense."""


class RetargetError(IntermambaError):
    """An armature that the motion cannot be put on."""


class Cancelled(IntermambaError):  # noqa: N818  (not an error of anything)
    """The user asked for the work to stop."""
