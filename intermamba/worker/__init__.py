"""The sampling process beside Blender: frame protocol, server, client."""
