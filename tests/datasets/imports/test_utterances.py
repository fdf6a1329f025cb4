"""What holds for every source: ids, idempotence, order, sound."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.audio import Integers, audio_digest, open_audio, read_samples
from lauter.datasets.errors import UsageError
from lauter.datasets.imports import (
    IMPORTED_SCHEMA,
    IMPORTED_SPEECH_SCHEMA,
    PLANNED_SCHEMA,
    Origin,
    Recording,
    import_recordings,
    requests_from,
    speech_of,
    utterances_from,
)
from lauter.datasets.imports.recording import RECORDING_TYPE, recording_from, recording_row
from lauter.datasets.imports.sound import LONG_FILE
from lauter.datasets.marking import Marks, Synthetic, marked
from lauter.datasets.records import UTTERANCE_SCHEMA, request_from_row

Spoken = list[tuple[str, Integers]]
Encode = Callable[..., bytes]
Imported = Callable[..., list[dict[str, Any]]]


@dataclass(frozen=True)
class InMemory:
    """A source for tests; ``ends`` is raised after the last recording."""

    recordings: tuple[Recording, ...]
    origin: Origin = field(default_factory=lambda: Origin(dialect="ja-JP"))
    ends: Exception | None = None
    path: str = "memory"

    def __iter__(self) -> Iterator[Recording]:
        yield from self.recordings
        if self.ends is not None:
            raise self.ends


@pytest.fixture(scope="module")
def recordings(spoken: Spoken, encode: Encode) -> tuple[Recording, ...]:
    return tuple(
        Recording(str(number), text, audio=encode(samples))
        for number, (text, samples) in enumerate(spoken)
    )


def stored(row: dict[str, Any]) -> Any:
    with open_audio(row["audio"]) as file:
        return read_samples(file)


def test_rows_are_utterances(recordings: tuple[Recording, ...]) -> None:
    for batch in utterances_from(InMemory(recordings)):
        assert batch.schema == IMPORTED_SCHEMA
        batch.validate(full=True)
        assert batch.select(UTTERANCE_SCHEMA.names).schema == UTTERANCE_SCHEMA


def test_the_id_of_imported_speech_is_golden() -> None:
    samples = np.arange(-800, 800, dtype=np.int16)
    wav = b"RIFF\xa4\x0c\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80>\x00\x00\x00}\x00\x00"
    wav += b"\x02\x00\x10\x00data\x80\x0c\x00\x00" + samples.tobytes()
    (row,) = import_recordings(
        [Recording("a", "はい。", audio=wav)], origin=Origin(dialect="ja-JP")
    ).to_pylist()
    assert row["request_id"] == "223e47fd5be830021b6c222d3b5554b5"


def test_an_imported_id_follows_the_law_of_all_requests(
    recordings: tuple[Recording, ...], imported: Imported
) -> None:
    bad = Recording("bad", "はい。", path="/nowhere.wav")
    for row in imported(InMemory((*recordings, bad))):
        request = request_from_row(row)
        assert request.identified() == request
        assert request.prompt.prompt_id == row["prompt_id"]


def test_importing_twice_adds_nothing(
    recordings: tuple[Recording, ...], imported: Imported
) -> None:
    source = InMemory((*recordings, Recording("bad", "はい。", path="/nowhere.wav")))
    first = imported(source)
    again = imported(source)
    assert [row["request_id"] for row in again] == [row["request_id"] for row in first]
    assert imported(source, known={row["request_id"] for row in first}) == []
    (missing,) = imported(source, known={row["request_id"] for row in first[1:]})
    assert missing["text"] == first[0]["text"]


def test_what_a_source_holds_twice_is_given_once(
    recordings: tuple[Recording, ...], imported: Imported
) -> None:
    renamed = tuple(replace(recording, key=f"again/{recording.key}") for recording in recordings)
    rows = imported(InMemory(recordings + renamed), batch_size=2)
    assert [row["text"] for row in rows] == [recording.text for recording in recordings]


def test_another_text_voice_origin_or_sound_is_another_utterance(
    recordings: tuple[Recording, ...], imported: Imported
) -> None:
    one = recordings[0]
    sources = [
        InMemory((one,)),
        InMemory((replace(one, text="違います。"),)),
        InMemory((replace(one, speaker="mei"),)),
        InMemory((replace(one, audio=recordings[1].audio),)),
        InMemory((replace(one, offset_s=0.25),)),
        InMemory((one,), Origin(dialect="ja-JP", name="other")),
        InMemory((one,), Origin(dialect="ja-JP", sample_rate=24000)),
    ]
    ids = {imported(source)[0]["request_id"] for source in sources}
    assert len(ids) == len(sources)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_threads_and_batches_change_nothing(
    threads: int, batch_size: int, recordings: tuple[Recording, ...], imported: Imported
) -> None:
    texts = [f"{number}番です。" for number in range(25)]
    source = InMemory(
        tuple(replace(recordings[n % 3], key=text, text=text) for n, text in enumerate(texts))
    )
    rows = imported(source, threads=threads, batch_size=batch_size)
    assert [row["text"] for row in rows] == texts
    plain = [row | {"wall_s": 0} for row in imported(source)]
    assert [row | {"wall_s": 0} for row in rows] == plain


def test_what_was_read_before_a_source_broke_is_given(recordings: tuple[Recording, ...]) -> None:
    source = InMemory(recordings, ends=UsageError("the rest is lost"))
    for threads in (1, 3):
        texts: list[str] = []
        with pytest.raises(UsageError, match="the rest is lost"):
            for batch in utterances_from(source, batch_size=2, threads=threads):
                texts.extend(batch["text"].to_pylist())
        assert texts == [recording.text for recording in recordings]


def test_only_as_much_is_read_ahead_as_threads_need(recordings: tuple[Recording, ...]) -> None:
    read = 0

    @dataclass(frozen=True)
    class Endless:
        path: str = "for ever"
        origin: Origin = field(default_factory=lambda: Origin(dialect="ja-JP"))

        def __iter__(self) -> Iterator[Recording]:
            nonlocal read
            while True:
                read += 1
                yield replace(recordings[0], text=f"{read}番です。")

    batches = utterances_from(Endless(), batch_size=4, threads=2)
    for _ in range(3):
        next(batches)
    batches.close()
    assert read <= (3 + 2 * 2 + 1) * 4


def test_a_mono_flac_is_kept_byte_for_byte(
    spoken: Spoken, encode: Encode, imported: Imported
) -> None:
    for subtype in ("PCM_16", "PCM_24"):
        flac = encode(spoken[0][1], "FLAC", subtype)
        (row,) = imported(InMemory((Recording("a", "はい。", audio=flac),)))
        assert row["audio"] == flac
        assert row["audio_digest"] == audio_digest(flac)


def test_other_sounds_become_mono_flac_without_loss_where_there_need_be_none(
    spoken: Spoken, encode: Encode, imported: Imported
) -> None:
    samples = spoken[0][1]
    stereo = np.stack([samples, samples], axis=1)
    for sound in (encode(samples), encode(stereo), encode(stereo, "FLAC"), encode(samples / 32768)):
        (row,) = imported(InMemory((Recording("a", "はい。", audio=sound),)))
        assert row["audio"][:4] == b"fLaC"
        assert np.array_equal(stored(row), samples)
        assert row["duration_s"] == len(samples) / 16000


def test_sounds_are_resampled_only_where_asked(
    recordings: tuple[Recording, ...], imported: Imported
) -> None:
    (kept,) = imported(InMemory(recordings[:1]))
    (moved,) = imported(InMemory(recordings[:1], Origin(dialect="ja-JP", sample_rate=24000)))
    assert (kept["sample_rate"], moved["sample_rate"]) == (16000, 24000)
    assert len(stored(moved)) == pytest.approx(1.5 * len(stored(kept)), abs=2)
    assert moved["duration_s"] == pytest.approx(kept["duration_s"], abs=1e-3)


def test_a_damaged_flac_is_not_kept_as_if_it_were_whole(
    spoken: Spoken, encode: Encode, imported: Imported
) -> None:
    flac = bytearray(encode(spoken[0][1], "FLAC"))
    flac[len(flac) // 2 : len(flac) // 2 + 50] = bytes(50)
    (row,) = imported(InMemory((Recording("a", "はい。", audio=bytes(flac)),)))
    assert row["audio"] is None
    assert "the audio is damaged" in row["error"]


@pytest.mark.parametrize("kind", ["FLAC", "WAV"])
def test_a_stretch_of_a_long_file_is_as_synthetic_as_its_mark_says(
    tmp_path: Path, encode: Encode, imported: Imported, kind: str
) -> None:
    noise = np.random.default_rng(0).integers(-9000, 9000, LONG_FILE, np.int16)
    plain = encode(noise, kind)
    assert len(plain) > LONG_FILE
    (tmp_path / "plain").write_bytes(plain)
    (tmp_path / "marked").write_bytes(marked(plain, Marks(Synthetic.YES, "r", "t", "f", "ada")))
    told = {}
    for name in ("plain", "marked"):
        cut = Recording(name, "はい。", path=str(tmp_path / name), duration_s=2.0)
        cuts = (cut, replace(cut, offset_s=3.0))
        rows = imported(InMemory(cuts, Origin(dialect="ja-JP", synthetic="no")))
        told[name] = [row["synthetic"] for row in rows]
    assert told == {"plain": ["no", "no"], "marked": ["yes", "yes"]}


def test_recordings_travel_to_workers_unchanged(recordings: tuple[Recording, ...]) -> None:
    full = Recording(
        key="k",
        text="t",
        path="p",
        byte_start=5,
        byte_count=6,
        audio=b"a",
        offset_s=0.5,
        duration_s=1.5,
        context="c",
        language="ja",
        dialect="ja-JP",
        speaker="s",
        licence="MIT",
        transcript="h",
        fault="f",
        manner={"style": "rap"},
        extra={"x": [1, "y"]},
    )
    for recording in (*recordings, full):
        value = pa.scalar(recording_row(recording), RECORDING_TYPE).as_py()
        assert recording_from(value) == recording


def test_planning_first_and_taking_in_later_gives_the_same_rows(
    recordings: tuple[Recording, ...], spoken: Spoken, encode: Encode, imported: Imported
) -> None:
    source = InMemory(
        (
            *recordings,
            Recording("flac", "はい。", audio=encode(spoken[0][1], "FLAC")),
            Recording("missing", "はい。", path="/nowhere.wav"),
            Recording("damaged", "はい。", audio=encode(spoken[0][1])[:9000]),
            Recording("half", "はい。", audio=encode(spoken[0][1], "FLAC")[:9000]),
            Recording("mute", "", audio=recordings[0].audio),
            replace(recordings[0], key="cut", offset_s=0.5, transcript="は"),
        ),
        Origin(dialect="ja-JP", sample_rate=22050),
    )
    directly = imported(source)
    rows = []
    for planned in requests_from(source, batch_size=4):
        assert planned.schema == PLANNED_SCHEMA
        speech = speech_of(planned, origin=Origin(sample_rate=22050))
        assert speech.schema == IMPORTED_SPEECH_SCHEMA
        threaded = speech_of(planned, origin=Origin(sample_rate=22050), threads=3)
        assert threaded.drop_columns("wall_s") == speech.drop_columns("wall_s")
        for request, answer in zip(planned.to_pylist(), speech.to_pylist(), strict=True):
            del request["recording"]
            rows.append(request | answer)
    failed = [row["error_kind"] for row in rows]
    assert failed == [None] * 4 + ["failed"] * 4 + [None]
    for row, other in zip(rows, directly, strict=True):
        different = {name for name in row if row[name] != other[name]}
        assert different <= {"wall_s"}, row["error"]


def test_an_origin_that_cannot_be_meant_is_refused() -> None:
    with pytest.raises(UsageError, match="'tlh' has no place here"):
        Origin(dialect="tlh")
    with pytest.raises(UsageError, match="a sample rate of 16 Hz"):
        Origin(sample_rate=16)


@given(st.text(max_size=40), st.text(max_size=8), st.text(max_size=8), st.binary(max_size=60))
def test_whatever_a_source_says_a_row_comes_of_it(
    text: str, language: str, speaker: str, audio: bytes
) -> None:
    text = text.encode("utf-8", "ignore").decode()
    recording = Recording(
        "k",
        text,
        audio=audio,
        language=language.encode("utf-8", "ignore").decode(),
        speaker=speaker.encode("utf-8", "ignore").decode(),
    )
    (row,) = import_recordings([recording], origin=Origin(dialect="ja-JP")).to_pylist()
    assert row["error_kind"] == "failed"
    assert row["error"].startswith("k: ")
    assert pa.RecordBatch.from_pylist([row], schema=IMPORTED_SCHEMA).num_rows == 1
