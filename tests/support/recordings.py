"""Recordings of voices as people send them: good ones, and each kind of bad one."""

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from spoken_sentences import spoken_sentences

from lauter.datasets.audio import resample

RATE = 24_000


def sentences(language: str, count: int, first: int = 0) -> tuple[NDArray[np.float32], str]:
    """Return so many sentences with pauses between them, and their text."""
    spoken = [one for one in spoken_sentences() if one.language == language]
    chosen = spoken[first : first + count]
    pause = np.zeros(RATE // 2, np.float32)
    pieces = [pause, *(piece for one in chosen for piece in (one.samples, pause))]
    return np.concatenate(pieces), " ".join(one.text for one in chosen)


def written(path: Path, samples: NDArray[np.float32], rate: int = RATE) -> Path:
    """Write a recording; two columns are two channels."""
    soundfile.write(path, samples, rate)
    return path


def bad_recordings(folder: Path) -> dict[str, Path]:
    """Write one recording of each kind that shows no voice."""
    english, _ = sentences("en", 4)
    japanese, _ = sentences("ja", 4)
    time = np.arange(len(english)) / RATE
    chord = sum(np.sin(2 * np.pi * hz * time) for hz in (220.0, 277.2, 329.6))
    other = np.resize(japanese, len(english))
    bad = {
        "two speakers": (np.concatenate([english, japanese]), RATE),
        "music": (english + 0.01 * np.asarray(chord, np.float32), RATE),
        "half a second": (english[RATE // 2 : RATE], RATE),
        "8 kHz": (resample(english, RATE, 8000), 8000),
        "once 8 kHz": (resample(resample(english, RATE, 8000), 8000, RATE), RATE),
        "stereo": (np.stack([english, other], axis=1), RATE),
        "no speech": (np.random.default_rng(0).normal(0, 0.01, 5 * RATE).astype(np.float32), RATE),
        "clipped": (np.clip(english * 8, -0.5, 0.5), RATE),
    }
    paths = {
        name: written(folder / f"{name.replace(' ', '-')}.wav", samples, rate)
        for name, (samples, rate) in bad.items()
    }
    paths["no audio"] = folder / "no-audio.wav"
    paths["no audio"].write_bytes(b"RIFF")
    paths["missing"] = folder / "missing.wav"
    return paths
