"""One layout for all: webdataset, Lhotse, Hugging Face datasets and Energon read it as it is."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import webdataset
from judged_corpus import accepted_numbers, flac_of, judged_corpus, request_of
from lhotse import CutSet

import datasets
from lauter.datasets.audio import decode_audio
from lauter.datasets.marking import unmarked
from lauter.datasets.shards import export_webdataset

ROWS = 60
SHARES = {"train": 0.7, "valid": 0.3}
RECORDS = {request_of(number).request_id: number for number in accepted_numbers(ROWS)}


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    corpus = judged_corpus(folder / "corpus", ROWS, codes=True)
    export_webdataset(corpus, folder / "e", shard_bytes=20_000, splits=SHARES)
    return folder / "e"


@pytest.fixture(autouse=True)
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def check_samples(samples: Iterable[tuple[str, bytes, dict[str, Any]]]) -> set[str]:
    """Compare key, audio and manifest of each sample with what was exported; return the keys."""
    seen = set()
    for key, flac, manifest in samples:
        number = RECORDS[key]
        record = manifest["sources"][0]["source"]
        assert unmarked(flac) == flac_of(number)
        assert record["synthetic"] == "yes" and record["mark_format"] == 1
        assert record["text"] == request_of(number).prompt.text
        assert record["codes"] == [65536, 65537 + number]
        assert record["seed"] == number and record["emotion"] == "joy"
        assert record["cer"] == (None if number == 3 else 0.0)
        assert key not in seen
        seen.add(key)
    return seen


def shards(export: Path, split: str) -> str:
    """The tars of a split in the braces that webdataset's users write."""
    numbers = [path.name.split(".")[1] for path in sorted((export / split).glob("*.tar"))]
    return f"{export / split}/recording.{{{numbers[0]}..{numbers[-1]}}}.tar"


def test_webdataset_reads_every_sample_by_a_url_with_braces(export: Path) -> None:
    found = set()
    for split in SHARES:
        read = webdataset.WebDataset(
            shards(export, split), shardshuffle=False, empty_check=False
        ).decode()
        found |= check_samples(
            (sample["__key__"], sample["flac"], sample["json"]) for sample in read
        )
    assert found == set(RECORDS)


def test_lhotse_reads_cuts_with_their_audio_texts_and_figures(export: Path) -> None:
    found = set()
    for split in SHARES:
        for cut in CutSet.from_shar(in_dir=export / split):
            number = RECORDS[cut.id]
            request = request_of(number)
            audio = cut.load_audio()
            assert np.array_equal(audio[0], decode_audio(flac_of(number))[0])
            assert cut.num_samples == audio.shape[1] and cut.sampling_rate == 16000
            assert cut.supervisions[0].text == request.prompt.text
            assert cut.supervisions[0].speaker == "someone"
            assert cut.supervisions[0].language == request.prompt.language
            assert (cut.emotion, cut.emotion_level) == ("joy", 2)
            assert cut.codes == [65536, 65537 + number]
            found.add(cut.id)
    assert found == set(RECORDS)


def test_lhotse_shuffles_and_batches_shards(export: Path) -> None:
    cuts = CutSet.from_shar(in_dir=export / "train", shuffle_shards=True, seed=1)
    mixed = [cut.id for cut in cuts]
    plain = [cut.id for cut in CutSet.from_shar(in_dir=export / "train")]
    assert mixed != plain and sorted(mixed) == sorted(plain)


@pytest.mark.parametrize("streaming", [False, True])
def test_hugging_face_reads_the_folder_without_another_word(
    streaming: bool, export: Path, tmp_path: Path
) -> None:
    read = datasets.load_dataset(str(export), streaming=streaming, cache_dir=str(tmp_path))
    assert set(read) == set(SHARES)
    found = set()
    for rows in read.values():
        found |= check_samples((row["__key__"], row["flac"], row["json"]) for row in rows)
    assert found == set(RECORDS)


def test_hugging_face_reads_the_webdataset_builder_with_the_cards_types(export: Path) -> None:
    described = datasets.load_dataset_builder(str(export)).info.features
    rows = datasets.load_dataset(
        "webdataset",
        data_files={"train": str(export / "train" / "*.tar")},
        features=described,
        split="train",
        streaming=True,
    )
    keys = check_samples((row["__key__"], row["flac"], row["json"]) for row in rows)
    assert 0 < len(keys) < len(RECORDS)


def test_rejected_rows_with_their_nested_reasons_are_read_too(tmp_path: Path) -> None:
    corpus = judged_corpus(tmp_path / "corpus", 20)
    export_webdataset(corpus, tmp_path / "e", accepted=None)
    rows = list(datasets.load_dataset(str(tmp_path / "e"), split="train", streaming=True))
    records = [row["json"]["sources"][0]["source"] for row in rows]
    told = {record["accepted"]: record["failed_gates"] for record in records}
    assert told[True] == []
    assert told[False][0]["reason"] == "it says something else"
    cuts = list(CutSet.from_shar(in_dir=tmp_path / "e" / "train"))
    assert [cut.accepted for cut in cuts] == [record["accepted"] for record in records]


def test_energon_prepares_the_folder_and_leaves_it_to_the_others(
    export: Path, tmp_path: Path
) -> None:
    energon = pytest.importorskip(
        "megatron.energon", reason="an environment of its own: docs/decisions/shards.md"
    )
    folder = tmp_path / "e"
    shutil.copytree(export, folder)
    (line,) = re.findall("^energon prepare.*", (export / "README.md").read_text(), re.MULTILINE)
    tool = Path(sys.executable).with_name("energon")
    words = [str(tool), *shlex.split(line)[1:], "--num-workers", "1"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    found = set()
    for split in SHARES:
        read = energon.get_val_dataset(
            folder,
            split_part=split,
            batch_size=None,
            worker_config=energon.WorkerConfig(rank=0, world_size=1, num_workers=0),
            task_encoder=_encoder(energon),
        )
        found |= check_samples(
            (sample.__key__, sample.flac.stream.getvalue(), sample.json)
            for sample in energon.get_loader(read)
        )
    assert found == set(RECORDS)
    cuts = CutSet.from_shar(
        fields={
            "cuts": sorted(folder.glob("train/cuts.*.jsonl.gz")),
            "recording": sorted(folder.glob("train/recording.*.tar")),
        }
    )
    assert all(cut.load_audio().size for cut in cuts)


def _encoder(energon: Any) -> Any:
    """What Energon's users write: a cooker that names the parts of a sample."""

    @dataclass
    class Spoken(energon.Sample):
        flac: Any
        json: dict[str, Any]

    @energon.stateless
    def cook(sample: dict[str, Any]) -> Spoken:
        described = energon.basic_sample_keys(sample)
        return Spoken(**described, flac=sample["flac"], json=sample["json"])

    class Encoder(energon.DefaultTaskEncoder):
        cookers = (energon.Cooker(cook),)

    return Encoder()
