"""Songs of the project's own: lines of a teacher over an accompaniment that is computed."""

from lauter.teacher.song.accompaniment import Backing, accompaniment
from lauter.teacher.song.arrangement import Arrangement, arrange, mixed
from lauter.teacher.song.performance import Performance, perform

__all__ = [
    "Arrangement",
    "Backing",
    "Performance",
    "accompaniment",
    "arrange",
    "mixed",
    "perform",
]
