"""Whose voices a checkpoint speaks with: those of a speaker book that have codes to clone from.

The book is read by ``datasets/voice_book.py``, which says what stands in it. ``audio``, from which
the decoder takes the timbre, may be left out of voices that are not on offer in a corpus.
Step-Audio-TTS-3B takes its manner from the reference: a voice raps and sings as its recordings do.
"""

from pathlib import Path

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import Reference
from lauter.datasets.tags import Style
from lauter.datasets.voice_book import KnownVoice, read_book


def read_voices(path: Path) -> dict[str, KnownVoice]:
    """Return the voices of a book that can be cloned from codes, by speaker, in its order.

    Raises ``UsageError`` where none can, and as ``read_book`` does.
    """
    book = read_book(path)
    clonable = {
        speaker: known
        for speaker, known in book.items()
        if known.recordings and known.recording(Style.PLAIN.value).codes is not None
    }
    if not clonable:
        raise UsageError(
            f"no voice of {path} has codes; encode a recording with the checkpoint's codec"
        )
    return clonable


def reference_of(known: KnownVoice, style: str) -> Reference:
    """Return what a voice is cloned from in a style; ``UsageError`` where nothing."""
    recording, name = known.recording(style), f"the voice '{known.voice.speaker}'"
    if recording.codes is None:
        raise UsageError(
            f"{name} has no codes of its recording in the style '{style}'; encode it with the "
            "checkpoint's codec"
        )
    return Reference(recording.text, recording.codes, name)
