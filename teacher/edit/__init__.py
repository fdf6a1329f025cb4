"""Audio-Edit: emotion, pace, rap and song by signal processing of neutral speech."""

from lauter.teacher.edit.edit import edit
from lauter.teacher.edit.level import BASE_DBFS, base_level

__all__ = ["BASE_DBFS", "base_level", "edit"]
