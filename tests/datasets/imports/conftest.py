"""Real speech for the readers' tests: three sentences by Open JTalk, 16-bit mono, 16 kHz."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyopenjtalk
import pytest
import soundfile

from lauter.datasets.audio import Integers, resample
from lauter.datasets.imports import Source, utterances_from

RATE = 16000
SENTENCES = ("今日は散歩に行きます。", "本を三冊買いました。", "駅はどこですか。")


@pytest.fixture(scope="session")
def spoken() -> list[tuple[str, Integers]]:
    """Texts and what they sound like."""
    speech = []
    for text in SENTENCES:
        samples, rate = pyopenjtalk.tts(text)
        floats = resample((samples / 32768).astype(np.float32), rate, RATE)
        speech.append((text, np.rint(floats * 32768).clip(-32768, 32767).astype(np.int16)))
    return speech


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """Return samples as a file of some format, as soundfile writes it."""

    def write(samples: Any, container: str = "WAV", subtype: str = "PCM_16") -> bytes:
        buffer = io.BytesIO()
        soundfile.write(buffer, samples, RATE, format=container, subtype=subtype)
        return buffer.getvalue()

    return write


@pytest.fixture(scope="session")
def sounds(
    tmp_path_factory: pytest.TempPathFactory,
    spoken: list[tuple[str, Integers]],
    encode: Callable[..., bytes],
) -> Path:
    """A folder with the sentences as 0.wav, 1.wav and 2.wav."""
    folder = tmp_path_factory.mktemp("sounds")
    for number, (_, samples) in enumerate(spoken):
        (folder / f"{number}.wav").write_bytes(encode(samples))
    return folder


@pytest.fixture(scope="session")
def imported() -> Callable[..., list[dict[str, Any]]]:
    """Return all rows of a source."""

    def rows(source: Source, **options: Any) -> list[dict[str, Any]]:
        batches = list(utterances_from(source, **options))
        return pa.Table.from_batches(batches).to_pylist() if batches else []

    return rows
