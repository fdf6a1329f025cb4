"""Makes songs whose truth is known: `python bench/songs.py FOLDER`.

Lines of a teacher, sung or rapped, over a computed band, at several levels of the voice. In
`songs/` stand audio, lyrics (LRC) and a description (JSON: artist, tempo, melody); in `truth/` the
clean voices, and what is wrong with which line: songs of 8 lines have one with other words than are
sung, one where a second voice joins, one that nobody sings and one drowned in noise. Of every third
artist's songs the lyrics come 0.3 s late. Nothing here is anybody's work but the project's:
melodies, band and lyrics.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lauter.datasets.audio import Samples, encode_flac
from lauter.datasets.lrc import LyricLine, Lyrics, to_lrc
from lauter.datasets.records import Prompt, Request, dialect_language
from lauter.datasets.tags import Style
from lauter.teacher.fast import FastTeacher
from lauter.teacher.protocol import Speech, Teacher
from lauter.teacher.song import Backing, Performance, arrange, mixed, perform
from lauter.teacher.song.performance import median_pitch_hz, tempo_of
from lauter.teacher.studio.studio import Studio

ARTISTS = (
    ("af_heart", "en-US"),
    ("am_michael", "en-US"),
    ("zf_xiaoxiao", "cmn"),
    ("bf_emma", "en-GB"),
    ("bm_george", "en-GB"),
    ("zm_yunxi", "cmn"),
)
LYRICS = {
    "en": (
        "The river runs down to the open sea",
        "And I walk along till the morning light",
        "Every window is shining in the rain",
        "Give me a reason to stay for the night",
        "We were young and the summer was long",
        "Nobody knows where the music has gone",
        "Turn up the lamp and sing me a song",
        "Over the hills there is somebody home",
    ),
    "zh": (
        "小河慢慢流到大海边",
        "我一直走到天亮的时候",
        "每一扇窗户都在雨里发光",
        "请你告诉我为什么留下来",
        "那个夏天我们都很年轻",
        "没有人知道音乐去了哪里",
        "把灯打开再唱一首歌",
        "山的那一边有人等我回家",
    ),
}
OTHER_WORDS = {"en": "Nine yellow taxis are waiting outside", "zh": "老师昨天买了三本旧书"}
FAULTS = {2: "other words", 4: "two voices", 5: "nobody sings", 6: "noise"}
LATE_S = 0.3
_TAIL_S = 0.15
_NOISE_DB = 0.0


@dataclass(frozen=True)
class Singing:
    """One artist's lines in one style: performances, the band's orders, and what is wrong."""

    artist: str
    dialect: str
    style: str
    lines: tuple[Performance, ...]
    texts: tuple[str, ...]
    backing: Backing
    faults: dict[int, str]
    sample_rate: int


def spoken(teacher: Teacher, text: str, speaker: str, dialect: str) -> Speech:
    """Return neutral speech of a teacher."""
    prompt = Prompt(text, dialect_language(dialect), dialect, speaker=speaker)
    (speech,) = teacher.speak([Request(prompt, teacher.name, teacher.fingerprint(), 0)])
    if isinstance(speech, Exception):
        raise speech
    return speech


def sing(
    teacher: Teacher,
    artist: str,
    dialect: str,
    second: tuple[str, str],
    style: str,
    count: int,
    seed: int,
) -> Singing:
    """Let one artist perform ``count`` lines; ``second`` joins in where a duet is asked for."""
    language = dialect_language(dialect)
    texts = list(LYRICS[language][:count])
    faults = {line: fault for line, fault in FAULTS.items() if count == len(LYRICS[language])}
    speeches = [spoken(teacher, text, artist, dialect) for text in texts]
    rate = speeches[0].sample_rate
    medians = [median_pitch_hz(speech.samples, rate) for speech in speeches]
    median_hz = float(np.median(medians))
    lines = []
    for number, speech in enumerate(speeches):
        line = _performed(speech, style, language, seed, median_hz)
        if faults.get(number) == "two voices":
            joining = spoken(teacher, texts[number], *second)
            other = _performed(joining, style, language, seed, None)
            line = replace(line, samples=_together(line.samples, other.samples))
        if faults.get(number) == "nobody sings":
            line = replace(line, samples=np.zeros_like(line.samples), notes=())
        lines.append(line)
    for number, fault in faults.items():
        if fault == "other words":
            texts[number] = OTHER_WORDS[language]
    tonic_hz = next((line.notes[-1].pitch_hz for line in lines if line.notes), median_hz)
    minor = style == Style.RAP or seed % 4 == 2
    backing = Backing(tempo_of(style, seed), tonic_hz, minor)
    return Singing(artist, dialect, style, tuple(lines), tuple(texts), backing, faults, rate)


def _performed(
    speech: Speech, style: str, language: str, seed: int, median_hz: float | None
) -> Performance:
    rate = speech.sample_rate
    return perform(
        speech.samples, rate, style=style, language=language, seed=seed, median_hz=median_hz
    )


def _together(one: Samples, other: Samples) -> Samples:
    both = np.zeros(max(len(one), len(other)), np.float32)
    both[: len(one)] += one
    both[: len(other)] += other
    return both


def write(singing: Singing, folder: Path, level_db: float, late: bool, seed: int) -> None:
    """Write one song at one level, and the truth about it."""
    rate = singing.sample_rate
    arrangement = arrange(singing.lines, singing.backing, rate, seed)
    song, voice = mixed(arrangement.voice, arrangement.accompaniment, rate, level_db)
    noise = np.random.default_rng(seed)
    stamps, notes = [], []
    for number, (start_s, line) in enumerate(zip(arrangement.starts_s, singing.lines, strict=True)):
        end_s = start_s + len(line.samples) / rate
        first, last = round(start_s * rate), round(end_s * rate)
        if singing.faults.get(number) == "noise":
            level = np.sqrt(np.mean(voice[first:last] ** 2)) * 10 ** (-_NOISE_DB / 20)
            song[first:last] += level * noise.standard_normal(last - first).astype(np.float32)
        notes += [
            [round(start_s + note.start_s, 4), round(start_s + note.end_s, 4), note.pitch_hz]
            for note in line.notes
        ]
        shift_s = LATE_S if late else 0.0
        stamps.append(
            LyricLine(
                max(0, round(1000 * (start_s + shift_s))),
                singing.texts[number],
                round(1000 * (end_s + shift_s + _TAIL_S)),
            )
        )
    name = f"{singing.artist}-{singing.style}-{level_db:+g}dB"
    song /= max(1.0, float(np.abs(song).max()))
    (folder / f"{name}.flac").write_bytes(encode_flac(song, rate))
    tags = {"ar": singing.artist, "ti": "River", "by": "lauter"}
    (folder / f"{name}.lrc").write_text(to_lrc(Lyrics(tuple(stamps), tags)), encoding="utf-8")
    description = {
        "artist": singing.artist,
        "dialect": singing.dialect,
        "style": singing.style,
        "licence": "CC0-1.0",
        "group": f"{level_db:+g} dB",
        "beats_per_minute": singing.backing.beats_per_minute,
        "first_beat_s": 0.0,
        "notes": notes,
    }
    (folder / f"{name}.json").write_text(json.dumps(description, ensure_ascii=False))
    truth = folder.parent / "truth"
    truth.mkdir(exist_ok=True)
    (truth / f"{name}.flac").write_bytes(encode_flac(voice, rate))
    facts = {"faults": singing.faults, "late_s": LATE_S if late else 0.0, "level_db": level_db}
    (truth / f"{name}.json").write_text(json.dumps(facts))


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the songs, and say where they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--teacher", choices=("studio", "fast"), default="studio")
    parser.add_argument("--artists", nargs="+", help="voices of the teacher; all by default")
    parser.add_argument("--styles", nargs="+", default=[Style.SUNG.value, Style.RAP.value])
    parser.add_argument("--levels", nargs="+", type=float, default=[12.0, 6.0, 0.0, -6.0])
    parser.add_argument("--lines", type=int, default=8)
    chosen = parser.parse_args(arguments)
    teacher: Teacher = Studio() if chosen.teacher == "studio" else FastTeacher()
    artists = ARTISTS
    if chosen.teacher == "fast":
        voices = teacher.capabilities().voices
        artists = tuple((voice.speaker, voice.dialect) for voice in voices[:1])
    songs = chosen.folder / "songs"
    songs.mkdir(parents=True, exist_ok=True)
    made = 0
    for number, (artist, dialect) in enumerate(artists):
        if chosen.artists and artist not in chosen.artists:
            continue
        language = dialect_language(dialect)
        others = [other for other in artists if dialect_language(other[1]) == language]
        second = others[(others.index((artist, dialect)) + 1) % len(others)]
        for style in chosen.styles:
            singing = sing(teacher, artist, dialect, second, style, chosen.lines, number)
            late = number % 3 == 2
            for level_db in chosen.levels:
                write(singing, songs, level_db, late, number)
                made += 1
    print(f"{made} songs in {songs}")


if __name__ == "__main__":
    main()
