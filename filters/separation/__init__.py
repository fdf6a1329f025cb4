"""Taking the voice out of a song: one protocol, three ways.

``SpleeterSeparator`` is a network whose weights a package carries and is the default;
``ExportedSeparator`` runs a stronger one (Demucs) that somebody exported to a file;
``SignalSeparator`` needs no weights, and says what it cannot do.
"""

from lauter.filters.separation.exported import ExportedSeparator
from lauter.filters.separation.protocol import Separator
from lauter.filters.separation.signal import SignalSeparator
from lauter.filters.separation.spleeter import SpleeterSeparator

__all__ = ["ExportedSeparator", "Separator", "SignalSeparator", "SpleeterSeparator"]
