"""InterMamba in Blender: a prompt becomes two keyframed armatures.

The sampler runs in a process of its own (intermamba.worker); this package shows the panel, asks for motions
and writes them on rigs.
"""

import atexit

import bpy

from . import (
    bone_map,
    bones_panel,
    contacts,
    contacts_panel,
    controls_operator,
    curves,
    export_operator,
    menu,
    operators,
    pair_tools,
    panel,
    preferences,
    properties,
    takes_panel,
    thumbnails,
)
from .bake import renew_owner
from .jobs import pump, session

_MODULES = (
    preferences,
    properties,
    operators,
    pair_tools,
    curves,
    controls_operator,
    export_operator,
    panel,
    takes_panel,
    bone_map,
    bones_panel,
    contacts,
    contacts_panel,
    menu,
)
_PROPERTIES = (*properties.PROPERTIES, *bone_map.PROPERTIES, *thumbnails.PROPERTIES, *contacts.PROPERTIES)


@bpy.app.handlers.persistent
def _leave_file(*_: object) -> None:
    session.leave_file()
    thumbnails.forget_pictures()


@bpy.app.handlers.persistent
def _enter_file(*_: object) -> None:
    renew_owner()


def register() -> None:
    """Called by Blender when the extension is enabled."""
    for module in _MODULES:
        for cls in module.CLASSES:
            bpy.utils.register_class(cls)
    for owner, name, value in _PROPERTIES:
        setattr(owner, name, value)
    menu.add()
    bpy.app.handlers.load_pre.append(_leave_file)
    bpy.app.handlers.load_post.append(_enter_file)
    atexit.register(session.close)


def unregister() -> None:
    """Called by Blender when the extension is disabled; ends the worker."""
    session.close()
    menu.remove()
    if bpy.app.timers.is_registered(pump):
        bpy.app.timers.unregister(pump)
    atexit.unregister(session.close)
    bpy.app.handlers.load_post.remove(_enter_file)
    bpy.app.handlers.load_pre.remove(_leave_file)
    for owner, name, _ in _PROPERTIES:
        delattr(owner, name)
    thumbnails.forget_pictures()
    for module in reversed(_MODULES):
        for cls in reversed(module.CLASSES):
            bpy.utils.unregister_class(cls)
