"""How it went: told beside the button that was pressed, in Blender's status bar, and to scripts."""

import textwrap
from collections.abc import Callable

import bpy

from intermamba.errors import IntermambaError

from .jobs import session


class Reporting:
    """An operator whose outcome is shown in `part` of the panel."""

    part: str

    def attempt(self, work: Callable[[], str], level: str = "ERROR") -> set[str]:
        """Do the work, which says in words what was done, or raises IntermambaError that says what to do.

        `level`: of the report on failure; Blender shows errors in a pop-up besides, and raises them in scripts.
        """
        try:
            session.say(self.part, note=work())
        except IntermambaError as error:
            session.say(self.part, error=str(error))
            self.report({level}, str(error))
            return {"CANCELLED"}
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            session.say(
                self.part, error=f"This went wrong by a mistake of ours ({what}): undo it, and report it."
            )
            raise
        self.report({"INFO"}, session.note)
        return {"FINISHED"}


def draw_outcome(layout: bpy.types.UILayout, context: bpy.types.Context, part: str) -> None:
    """What the last action came to, where it was one of this part of the panel."""
    if session.part != part:
        return
    if session.error:
        box = layout.box()
        box.alert = True
        draw_sentence(box, context, session.error, "ERROR")
    elif session.note:
        draw_sentence(layout, context, session.note, "CHECKMARK")


def draw_sentence(layout: bpy.types.UILayout, context: bpy.types.Context, sentence: str, icon: str) -> None:
    """A label, broken into as many lines as the sidebar needs."""
    column = layout.column(align=True)
    characters = int(context.region.width / (7.0 * context.preferences.system.ui_scale)) - 6
    for n, line in enumerate(textwrap.wrap(sentence, max(characters, 16))):
        column.label(text=line, icon=icon if n == 0 else "BLANK1")
