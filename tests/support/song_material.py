"""Material of songs for the tests: spoken lines, samples for scorers, and a measure."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lauter.datasets.audio import Clip, Samples, encode_flac
from lauter.datasets.lrc import LyricLine, Lyrics, to_lrc
from lauter.datasets.records import Prompt, Request
from lauter.filters.protocol import Sample
from lauter.teacher.fast import FastTeacher
from lauter.teacher.protocol import Speech
from lauter.teacher.song import Backing, arrange, mixed, perform
from lauter.teacher.song.performance import tempo_of


def spoken_line(text: str) -> Speech:
    """Return real speech of the fast teacher's English voice."""
    teacher = FastTeacher()
    prompt = Prompt(text, "en", "en-US", speaker="heart")
    (speech,) = teacher.speak([Request(prompt, teacher.name, teacher.fingerprint(), 0)])
    assert isinstance(speech, Speech)
    return speech


TEXTS = ("The river runs down to the open sea", "Turn up the lamp and sing me a song")


def write_song(
    folder: Path, name: str = "song", *, style: str = "rap", late_s: float = 0.0, mute: int = -1
) -> Path:
    """Write a song of two lines, 6 dB over its band, and return its stem.

    The lyrics come ``late_s`` late; nobody sings the line ``mute``.
    """
    lines, rate = [], 0
    for text in TEXTS:
        speech = spoken_line(text)
        rate = speech.sample_rate
        lines.append(
            perform(speech.samples, rate, style=style, language="en", seed=1, median_hz=200.0)
        )
    if mute >= 0:
        lines[mute] = replace(lines[mute], samples=np.zeros_like(lines[mute].samples))
    backing = Backing(tempo_of(style, 1), 200.0)
    song = arrange(lines, backing, rate)
    audio, _ = mixed(song.voice, song.accompaniment, rate, 6.0)
    stamps, notes = [], []
    for start_s, text, line in zip(song.starts_s, TEXTS, lines, strict=True):
        end_s = start_s + len(line.samples) / rate
        start_ms, end_ms = (round(1000 * (at_s + late_s)) for at_s in (start_s, end_s))
        stamps.append(LyricLine(start_ms, text, end_ms))
        notes += [[start_s + n.start_s, start_s + n.end_s, n.pitch_hz] for n in line.notes]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.flac").write_bytes(encode_flac(audio, rate))
    (folder / f"{name}.lrc").write_text(to_lrc(Lyrics(tuple(stamps), {"ar": "heart"})))
    about = {
        "dialect": "en-US",
        "style": style,
        "licence": "CC0-1.0",
        "group": "tests",
        "beats_per_minute": backing.beats_per_minute,
        "notes": notes,
    }
    (folder / f"{name}.json").write_text(json.dumps(about))
    return folder / name


def sample_of(clip: Clip, scores: Mapping[str, Any], *, style: str) -> Sample:
    """Return a line of a song as a scorer sees it."""
    prompt = Prompt("La la la.", "en", "en-US", style=style, speaker="somebody")
    return Sample(Request(prompt, "import", "songs", 0), clip, scores=scores)


def si_sdr_db(found: Samples, true: Samples) -> float:
    """Return the scale-invariant ratio of signal to distortion in dB."""
    target = float(found @ true) / float(true @ true) * true
    error = found - target
    return float(10 * np.log10((target @ target) / (error @ error + 1e-12)))
