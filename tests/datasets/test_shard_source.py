"""A shard that is cut off, lost or strange is said in a sentence, and nothing readable is lost."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from judged_corpus import accepted_numbers, judged_corpus

from lauter.datasets.errors import UsageError
from lauter.datasets.exported import SAMPLES
from lauter.datasets.loader import SpeechLoader
from lauter.datasets.shards import export_webdataset

ROWS = 60


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    corpus = judged_corpus(folder / "corpus", ROWS)
    export_webdataset(corpus, folder / "e", shard_bytes=30_000)
    return folder / "e"


@pytest.fixture
def export(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "e")
    return tmp_path / "e"


def places(export: Path, shard: str) -> list[tuple[int, int, int]]:
    """Number, first byte and end of each sample of a shard."""
    rows = pq.read_table(export / SAMPLES).to_pylist()
    return [
        (row["seed"], row["offset"], row["offset"] + row["size"])
        for row in rows
        if row["shard"] == shard
    ]


def read(export: Path) -> list[int]:
    loader = SpeechLoader(export, batch_size=5, damaged="skip")
    return sorted(sample.record["seed"] for samples, _ in loader for sample in samples)


SECOND = "train/recording.000001.tar"


@pytest.mark.parametrize("cut", ["nothing", "in the first", "in a header", "in audio", "padding"])
def test_of_a_truncated_shard_all_whole_samples_are_read_and_no_more(
    cut: str, export: Path
) -> None:
    samples = places(export, SECOND)
    _, begins, ends = samples[4]
    size, readable = {
        "nothing": (0, 0),
        "in the first": (samples[0][2] - 600, 0),
        "in a header": (begins + 100, 4),
        "in audio": (begins + 700, 4),
        # The JSON is there, only zeros that fill its last block are not.
        "padding": (ends - 1, 5 if (export / SECOND).read_bytes()[ends - 1] == 0 else 4),
    }[cut]
    with (export / SECOND).open("r+b") as file:
        file.truncate(size)
    sentence = f"is cut off: it has {size} of .* bytes and {readable} of {len(samples)} samples"
    with pytest.raises(UsageError, match=sentence) as refused:
        SpeechLoader(export)
    assert refused.value.exit_code == 2
    assert "copy it again, or set damaged='skip'" in str(refused.value)
    lost = {number for number, _, _ in samples[readable:]}
    assert read(export) == [number for number in accepted_numbers(ROWS) if number not in lost]


def test_a_lost_shard_is_named_with_how_many_more_are_damaged(export: Path) -> None:
    (export / SECOND).unlink()
    with pytest.raises(UsageError, match=r"recording\.000001\.tar is missing; copy it again"):
        SpeechLoader(export)
    with (export / "train/recording.000000.tar").open("r+b") as file:
        file.truncate(10)
    with pytest.raises(UsageError, match=r"000000\.tar is cut off.*damaged shards in all: 2"):
        SpeechLoader(export)
    kept = [n for s in range(2, 9) for n, _, _ in places(export, f"train/recording.{s:06d}.tar")]
    assert read(export) == sorted(kept)


def test_an_export_without_one_readable_sample_is_refused(export: Path) -> None:
    for tar in (export / "train").glob("*.tar"):
        tar.unlink()
    with pytest.raises(UsageError, match="no sample can be read"):
        SpeechLoader(export, damaged="skip")


def test_shards_of_another_export_are_noticed(export: Path) -> None:
    names = sorted((export / "train").glob("*.tar"))
    data = bytearray(names[0].read_bytes())
    data[:512] = bytes(512)
    names[0].write_bytes(data)
    with pytest.raises(UsageError, match="the two are not of one export, or damaged"):
        list(SpeechLoader(export, batch_size=50))


def test_a_damaged_table_of_samples_is_a_sentence(export: Path) -> None:
    table = (export / SAMPLES).read_bytes()
    (export / SAMPLES).write_bytes(table[: len(table) // 2])
    with pytest.raises(UsageError, match=r"samples\.parquet is damaged"):
        SpeechLoader(export)
    (export / SAMPLES).write_bytes(table)
    pq.write_table(pq.read_table(export / SAMPLES), export / SAMPLES)
    with pytest.raises(UsageError, match="does not list shards; export the corpus again"):
        SpeechLoader(export)


def test_audio_is_decoded_only_when_it_is_asked_for(export: Path) -> None:
    number, begins, _ = places(export, SECOND)[0]
    with (export / SECOND).open("r+b") as file:
        file.seek(begins + 512)
        file.write(b"\0" * 64)
    damaged = [
        sample
        for samples, _ in SpeechLoader(export)
        for sample in samples
        if sample.record["seed"] == number
    ]
    with pytest.raises(UsageError):
        _ = damaged[0].clip.samples
