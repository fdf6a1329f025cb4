"""Listening to a song: what must be known of the whole before a line can be cut out of it.

The song is separated, its voice found, its lyrics moved to where they fit; its mean voice, its beat
and its key over the notes are what its lines are then held against.
"""

import time
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lauter.datasets import weights
from lauter.datasets.audio import (
    Samples,
    as_floats,
    audio_digest,
    encode_flac,
    open_audio,
    read_samples,
    resample,
)
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.imports.recording import Origin, Recording
from lauter.datasets.imports.songs import LONGEST_LINE_S, Song, read_song
from lauter.datasets.imports.utterances import sentence_of
from lauter.datasets.mark_columns import SYNTHETIC_FIELD
from lauter.datasets.marking import Marks, marks_in
from lauter.datasets.records import described
from lauter.filters import beat, melody, song_voice, vad
from lauter.filters.level import frame_powers
from lauter.filters.melody import MelodyNote
from lauter.filters.prosody import pitch_hz
from lauter.filters.separation.protocol import Separator
from lauter.filters.speaker import Embedding, SpeakerEncoder, encoder_fingerprint
from lauter.pipelines import song_cutting
from lauter.pipelines.song_cutting import FRAME_S, Span, cut_span, neighbours_of, timing_shift_s

SAMPLE_RATE = 16_000
"""At which voices, onsets and pitches are heard."""
KEPT_SONGS = 2
"""Separated songs that a worker remembers, about 0.4 MB a second of song in all."""

NOTE = pa.struct([("start_s", pa.float64()), ("end_s", pa.float64()), ("pitch_hz", pa.float64())])
SONG_FIELDS = (
    described("song", pa.string(), "The song's name in its folder"),
    described("song_group", pa.string(), "The group that its description names"),
    described("song_start_s", pa.float64(), "Where in the song the line was cut", unit="s"),
    described("timing_shift_s", pa.float64(), "How far the song's lyrics were moved", unit="s"),
    described("voice_over_rest_db", pa.float64(), "Voice over all else in the line", unit="dB"),
    described("song_voice_similarity", pa.float64(), "Least cosine to the song's mean voice"),
    described("beats_per_minute", pa.float64(), "Tempo of the song, described or estimated"),
    described("first_beat_s", pa.float64(), "A beat, in the line's time", unit="s"),
    described("notes", pa.list_(NOTE), "The melody that was asked for, in the line's time"),
    described("transposition_st", pa.float64(), "The song's key over its notes'", unit="st"),
    described("harvest_fingerprint", pa.string(), "Separator, and models that listened to it"),
)
"""What the harvest adds to a line beside its speech."""


def harvested_by(separator: Separator) -> str:
    """Return the digest of all that decides how lines are cut out and measured; loads no model."""
    return content_id(
        "lauter.harvest.v1",
        {
            "separator": separator.fingerprint(),
            "cutting": [LONGEST_LINE_S, *song_cutting.SETTINGS],
            "vad": vad.fingerprint(),
            "speaker": encoder_fingerprint(),
            "song_voice": song_voice.SETTINGS,
            "beat": beat.SETTINGS,
            "melody": melody.SETTINGS,
        },
    )


@dataclass(frozen=True)
class HeardSong:
    """A separated song: its voice at its own rate, and what holds for all of its lines."""

    song: Song
    sample_rate: int
    voice: Samples
    rest: Samples
    spans_s: list[Span]
    power: Any
    shift_s: float
    mean_voice: Embedding | None
    beat: tuple[float, float]
    transposition_st: float
    marks: Marks | None


class Listener:
    """The models that a harvest needs, and the songs that were asked for last."""

    def __init__(self, separator: Separator) -> None:
        self._separator = separator
        self._fingerprint = harvested_by(separator)
        self._song = lru_cache(maxsize=KEPT_SONGS)(
            lambda stem, encoding: self._listen(read_song(Path(stem), encoding=encoding))
        )

    def row(self, recording: Recording, origin: Origin) -> dict[str, Any]:
        """Return the speech of a line and its figures, or the error that came instead.

        It is synthetic where the song's mark or else ``origin`` says so.
        """
        started = time.perf_counter()
        row: dict[str, Any] = {
            "attempts": 1,
            "device_s": 0.0,
            "song": recording.extra.get("song", recording.key),
            "song_group": recording.extra.get("group", ""),
        }
        try:
            if recording.fault:
                raise UsageError(recording.fault)
            heard: HeardSong = self._song(recording.extra["stem"], recording.extra["encoding"])
            row |= self._line(heard, recording.extra["start_ms"], origin.sample_rate)
            row[SYNTHETIC_FIELD.name] = heard.marks.synthetic if heard.marks else origin.synthetic
        except Exception as error:
            row |= {"error_kind": "failed", "error": f"{recording.key}: {sentence_of(error)}"}
        return row | {"wall_s": time.perf_counter() - started}

    def _line(self, heard: HeardSong, start_ms: int, sample_rate: int | None) -> dict[str, Any]:
        lines = heard.song.lyrics.lines
        place = next((n for n, line in enumerate(lines) if line.start_ms == start_ms), None)
        if place is None:
            raise UsageError("the lyrics changed while they were read; import the song again")
        moved = _moved(heard.song, heard.shift_s)
        start_s, end_s = cut_span(
            moved[place], neighbours_of(moved)[place], heard.spans_s, heard.power
        )
        first, last = round(start_s * heard.sample_rate), round(end_s * heard.sample_rate)
        voice, rest = heard.voice[first:last], heard.rest[first:last]
        flac, rate = _encoded(voice, heard.sample_rate, sample_rate)
        heard_voice = resample(voice, heard.sample_rate, SAMPLE_RATE)
        tempo, first_beat_s = heard.beat
        notes = [
            {"start_s": a - start_s, "end_s": b - start_s, "pitch_hz": hz}
            for a, b, hz in heard.song.facts.notes
            if b > start_s and a < end_s
        ]
        return {
            "audio": flac,
            "audio_digest": audio_digest(flac),
            "sample_rate": rate,
            "duration_s": len(voice) / heard.sample_rate,
            "song_start_s": start_s,
            "timing_shift_s": heard.shift_s,
            "voice_over_rest_db": _over_db(voice, rest),
            "song_voice_similarity": (
                None
                if heard.mean_voice is None
                else song_voice.likeness(self._encoder, heard_voice, heard.mean_voice)
            ),
            "beats_per_minute": tempo,
            "first_beat_s": first_beat_s - start_s,
            "notes": notes or None,
            "transposition_st": heard.transposition_st if notes else None,
            "harvest_fingerprint": self._fingerprint,
        }

    def _listen(self, song: Song) -> HeardSong:
        with open_audio(song.path) as file:
            samples, rate = as_floats(read_samples(file)), int(file.samplerate)
        voice = self._separator.voice(samples, rate)
        rest = samples - voice
        audio = resample(voice, rate, SAMPLE_RATE)
        spans_s = self._detector.spans_s(audio)
        shift_s = timing_shift_s(_moved(song, 0.0), spans_s)
        facts = song.facts
        tempo = facts.beats_per_minute
        notes = [MelodyNote(*note) for note in facts.notes]
        return HeardSong(
            song,
            rate,
            voice,
            rest,
            spans_s,
            frame_powers(audio, round(FRAME_S * SAMPLE_RATE)),
            shift_s,
            song_voice.voice_of_song(self._encoder, audio, spans_s),
            (tempo, facts.first_beat_s or 0.0) if tempo else beat.estimate_beat(rest, rate),
            melody.best_transposition(melody.deviations(pitch_hz(audio), notes)) if notes else 0.0,
            marks_in(song.path),
        )

    @cached_property
    def _detector(self) -> vad.SpeechDetector:
        return vad.SpeechDetector(weights.find("silero-vad"))

    @cached_property
    def _encoder(self) -> SpeakerEncoder:
        return SpeakerEncoder(weights.find("speaker-encoder"))


def _moved(song: Song, shift_s: float) -> list[Span]:
    spans = map(song.span_s, song.lyrics.lines)
    return [(max(0.0, start + shift_s), max(0.0, end + shift_s)) for start, end in spans]


def _encoded(voice: Samples, own_rate: int, sample_rate: int | None) -> tuple[bytes, int]:
    rate = sample_rate or own_rate
    return encode_flac(resample(voice, own_rate, rate), rate), rate


def _over_db(voice: Samples, rest: Samples) -> float:
    powers = [float(np.mean(np.square(part, dtype=np.float64))) + 1e-12 for part in (voice, rest)]
    return float(10 * np.log10(powers[0] / powers[1]))
