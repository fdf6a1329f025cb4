"""Speech made elsewhere, read as utterances: one reader a file.

A reader is an iterable of small ``Recording`` records and knows its ``Origin``; ``utterances_from``
makes rows of them that are scored, judged and exported like our own. To add a format, write a
class with ``origin`` and ``__iter__`` in a file of its own, and a configuration that names it
(orchestration/conf/source/).
"""

from lauter.datasets.imports.folder import Folder
from lauter.datasets.imports.lhotse import LhotseManifest
from lauter.datasets.imports.nemo import NemoManifest
from lauter.datasets.imports.recording import Origin, Recording, Source
from lauter.datasets.imports.utterances import (
    IMPORTED_SCHEMA,
    IMPORTED_SPEECH_SCHEMA,
    PLANNED_SCHEMA,
    import_recordings,
    requests_from,
    speech_of,
    utterances_from,
)
from lauter.datasets.imports.webdataset import WebDatasetTars

__all__ = [
    "IMPORTED_SCHEMA",
    "IMPORTED_SPEECH_SCHEMA",
    "PLANNED_SCHEMA",
    "Folder",
    "LhotseManifest",
    "NemoManifest",
    "Origin",
    "Recording",
    "Source",
    "WebDatasetTars",
    "import_recordings",
    "requests_from",
    "speech_of",
    "utterances_from",
]
