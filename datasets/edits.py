"""What an Audio-Edit model can be asked: one step of an emotion, a style or the speed, or one back.

The strength of what was edited is how often it was asked, so a step has no level of its own.
"""

import re
from dataclasses import dataclass
from typing import Final

from lauter.datasets.errors import UsageError
from lauter.datasets.tags import Emotion, Style

SPEED: Final = "speed"
"""What is edited where it is neither an emotion nor a style."""
EDITED: Final = (
    *(emotion.value for emotion in Emotion if emotion != Emotion.NEUTRAL),
    *(style.value for style in Style if style != Style.PLAIN),
    SPEED,
)
"""What an edit can be about."""
_EDIT = re.compile(r"([a-z]+)([+-])1")


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """One step of an emotion, a style or the speed: more of it (1) or less (-1)."""

    what: str
    direction: int

    def __str__(self) -> str:
        """Return it as it is written, such as ``joy+1``."""
        return f"{self.what}{self.direction:+}"

    @property
    def inverse(self) -> "Edit":
        """The edit that takes this one back."""
        return Edit(self.what, -self.direction)


def edit_named(word: str) -> Edit:
    """Return the edit that is written so; raises ``UsageError`` where it is none."""
    found = _EDIT.fullmatch(word)
    if not found or found[1] not in EDITED:
        raise UsageError(
            f"'{word}' is no edit; write one of {', '.join(EDITED)}, and +1 for more of it or -1 "
            "for less, such as joy+1"
        )
    return Edit(found[1], 1 if found[2] == "+" else -1)
