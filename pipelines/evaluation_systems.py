"""What is evaluated: whoever says the same texts, from the teacher's recording to the student.

The gap between teacher and student has two parts, and each has its system. ``resynthesis`` is the
teacher's own speech after codes and decoder: what it loses, no student of this codec can win back.
What the student loses beyond that is its own.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from lauter.datasets.audio import Clip, Samples, decode_audio
from lauter.datasets.codes import Codes, InvalidCodesError
from lauter.datasets.errors import UsageError
from lauter.pipelines.evaluation_items import Item
from lauter.student.speak import EMPTY, INVALID

if TYPE_CHECKING:  # torch takes seconds to import
    from lauter.student.codec.codec import Codec, Decoding, Timbre

TEACHER: Final = "teacher"
GROUND_TRUTH: Final = "ground_truth"
RESYNTHESIS: Final = "resynthesis"
STUDENT: Final = "student"

NO_VOICE: Final = "no voice"
"""Failure of speech whose reference, or which itself, has no voice to be heard."""


@dataclass(frozen=True, eq=False)
class Spoken:
    """What a system made of a text: mono ``samples`` in -1…1, or none, at ``sample_rate`` Hz.

    ``failure`` says in a word or two why this is no answer (no end, empty, …), else None;
    ``seconds`` is the time it took, None where that is not known.
    """

    samples: Samples | None
    sample_rate: int
    failure: str | None
    seconds: float | None


class System(Protocol):
    """Says texts."""

    name: str

    def speak(self, items: Sequence[Item]) -> list[Spoken]:
        """Return, in order, what it made of each text; a failure is an answer, not an error."""
        ...


class Recorded:
    """The recordings themselves, the teacher's or a person's."""

    def __init__(self, name: str = TEACHER) -> None:
        self.name = name

    def speak(self, items: Sequence[Item]) -> list[Spoken]:
        """Return each recording; one that is not there is empty."""
        return [
            Spoken(None, 0, EMPTY, None)
            if item.recording is None
            else Spoken(*decode_audio(item.recording.encoded), None, item.recording_s)
            for item in items
        ]


class Resynthesis:
    """The recordings after codes and decoder, in the timbre of their voice's reference.

    ``decoding`` is how they are decoded (None: as the codec does it by itself).
    """

    def __init__(
        self,
        codec: "Codec",
        seed: int = 0,
        name: str = RESYNTHESIS,
        decoding: "Decoding | None" = None,
    ) -> None:
        self.name = name
        self._codec = codec
        self._seed = seed
        self._decoding = decoding
        self._timbres: dict[bytes, Timbre | str] = {}

    def speak(self, items: Sequence[Item]) -> list[Spoken]:
        """Encode and decode all recordings together; each takes its share of the time."""
        started = time.perf_counter()
        found = [self.timbre_of(item) for item in items]
        there = [
            (item.recording, timbre)
            for item, timbre in zip(items, found, strict=True)
            if item.recording is not None and not isinstance(timbre, str)
        ]
        # Decoded here and not in the clips, which would keep the samples of a whole set.
        heard = [decode_audio(clip.encoded) for clip, _ in there]
        codes = self._codec.encode([one for one, _ in heard], [rate for _, rate in heard])
        timbres = [timbre for _, timbre in there]
        decoded = iter(decoded_each(self._codec, codes, timbres, self._seed, self._decoding))
        share = (time.perf_counter() - started) / max(1, len(there))
        rate = self._codec.sample_rate
        return [
            Spoken(None, rate, timbre, None)
            if isinstance(timbre, str)
            else _answer(next(decoded), rate, share)
            for timbre in found
        ]

    def timbre_of(self, item: Item) -> "Timbre | str":
        """Return how the voice of an item sounds, or the failure where there is none to hear."""
        clip = item.reference or item.recording
        if item.recording is None or clip is None:
            return EMPTY
        # Texts of one voice share its reference.
        key = hashlib.sha256(clip.encoded).digest()
        if key not in self._timbres:
            try:
                self._timbres[key] = self._codec.timbre(*decode_audio(clip.encoded))
            except UsageError:  # too short, or mute
                self._timbres[key] = NO_VOICE
        return self._timbres[key]


def decoded_each(
    codec: "Codec",
    codes: Sequence[Codes],
    timbres: "Sequence[Timbre]",
    seed: int,
    decoding: "Decoding | None" = None,
) -> list[Samples | str]:
    """Return the speech of each stream, or the failure that came instead.

    One stream that cannot be decoded takes no other along.
    """
    spoken: list[Samples | str] = [EMPTY if not len(stream) else INVALID for stream in codes]
    there = [position for position, stream in enumerate(codes) if len(stream)]
    try:
        decoded = codec.decode(
            [codes[position] for position in there],
            [timbres[position] for position in there],
            seed=seed,
            decoding=decoding,
        )
        for position, samples in zip(there, decoded, strict=True):
            spoken[position] = samples if len(samples) else EMPTY
    except InvalidCodesError:
        if len(there) > 1:
            return [
                decoded_each(codec, [stream], [timbre], seed, decoding)[0]
                for stream, timbre in zip(codes, timbres, strict=True)
            ]
    return spoken


def _answer(decoded: Samples | str, sample_rate: int, seconds: float) -> Spoken:
    if isinstance(decoded, str):
        return Spoken(None, sample_rate, decoded, seconds)
    return Spoken(decoded, sample_rate, None, seconds)


def encoded(spoken: Spoken) -> Clip | None:
    """Return what was spoken as a clip; None where there is nothing to hear."""
    if spoken.samples is None or not len(spoken.samples):
        return None
    return Clip.of(spoken.samples, spoken.sample_rate)
