"""The request that a recording answers: who said what, how, and with which sound.

The teacher is called ``import`` and its fingerprint is the origin's; the seed is a number taken
from the sound's own digest. So ids follow the one law of all requests, the same sound with the
same words has the same id wherever it lies, and importing it twice adds nothing. Where the sound
of a recording is unknown, its key stands in for it.
"""

import unicodedata
from typing import Any

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.imports.languages import resolve_dialect
from lauter.datasets.imports.manner import manner_of
from lauter.datasets.imports.recording import Origin, Recording
from lauter.datasets.imports.sound import SOUND_DOMAIN
from lauter.datasets.mark_columns import IMPORTED
from lauter.datasets.records import Prompt, Request


def prompt_of(recording: Recording, origin: Origin) -> Prompt:
    """Return what was said and how.

    Raises ``UsageError`` where the source's description is unusable, has no text, or leaves open
    in which dialect it was said.
    """
    if recording.fault:
        raise UsageError(recording.fault)
    language, dialect = resolve_dialect(
        (recording.dialect, recording.language), (origin.dialect, origin.language)
    )
    text = _normal(recording.text)
    if not text:
        raise UsageError("it has no text; without one nothing can be measured against it")
    return Prompt(
        text,
        language.value,
        dialect.value,
        **manner_of(recording.manner),
        speaker=recording.speaker or origin.speaker,
        text_source=origin.name,
        text_licence=recording.licence or origin.licence,
    )


def request_of(prompt: Prompt, fingerprint: str, sound: str) -> Request:
    """Bind a prompt to an origin's fingerprint and a sound's digest: 63 bits of it are the seed."""
    return Request(prompt, IMPORTED, fingerprint, int(sound[:16], 16) >> 1).identified()


def failed_request(recording: Recording, origin: Origin, fingerprint: str) -> Request:
    """Return the request of a recording that cannot be imported, with what is known of it."""
    prompt = Prompt(
        _normal(recording.text),
        recording.language or origin.language,
        recording.dialect or origin.dialect,
        speaker=recording.speaker or origin.speaker,
        text_source=origin.name,
        text_licence=recording.licence or origin.licence,
    )
    return request_of(prompt, fingerprint, content_id(SOUND_DOMAIN, {"key": recording.key}))


def request_row(request: Request) -> dict[str, Any]:
    """Return a request as a row of ``REQUEST_SCHEMA``."""
    prompt = request.prompt
    return {
        "request_id": request.request_id,
        "prompt_id": prompt.prompt_id,
        "text": prompt.text,
        "language": prompt.language,
        "dialect": prompt.dialect,
        "emotion": prompt.emotion,
        "emotion_level": prompt.emotion_level,
        "style": prompt.style,
        "speed_level": prompt.speed_level,
        "speaker": prompt.speaker,
        "text_source": prompt.text_source,
        "text_licence": prompt.text_licence,
        "teacher": request.teacher,
        "teacher_fingerprint": request.teacher_fingerprint,
        "seed": request.seed,
    }


def require_language(recording: Recording, origin: Origin) -> None:
    """Raise ``UsageError`` where neither a source's first recording nor its origin names one."""
    tags = (recording.dialect, recording.language, origin.dialect, origin.language)
    if recording.fault or any(tags):
        return
    try:
        resolve_dialect((), ())
    except UsageError as error:
        raise UsageError(f"{recording.key}: {error}") from error


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())
