"""Croissant's own library finds nothing wrong, and reads the records that the file describes."""

from typing import Any

import mlcroissant
import pytest
from judged_corpus import accepted_numbers, judged_corpus, request_of

from lauter.datasets.croissant import licence_url
from lauter.datasets.exported import CROISSANT
from lauter.datasets.shards import export_webdataset

ROWS = 40


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("croissant")
    corpus = judged_corpus(folder / "corpus", ROWS, codes=True)
    shares = {"train": 0.5, "valid": 0.5}
    export_webdataset(corpus, folder / "e", accepted=None, shard_bytes=20_000, splits=shares)
    return mlcroissant.Dataset(folder / "e" / CROISSANT)


def test_it_is_valid_without_warnings(described: Any) -> None:
    assert described.metadata.issues.errors == set()
    assert described.metadata.issues.warnings == set()


def test_its_records_are_the_samples(described: Any) -> None:
    records = list(described.records("samples"))
    spoken = [number for number in range(ROWS) if number % 10 != 9]
    by_seed = {record["samples/seed"]: record for record in records}
    assert sorted(by_seed) == spoken
    for number in accepted_numbers(ROWS):
        request, record = request_of(number), by_seed[number]
        assert record["samples/request_id"].decode() == request.request_id
        assert record["samples/text"].decode() == request.prompt.text
        assert record["samples/codes"] == [65536, 65537 + number]
        assert record["samples/accepted"] is True


def test_it_names_licences_files_and_splits(described: Any) -> None:
    told = described.metadata
    assert told.license == [licence_url("Apache-2.0"), licence_url("CC0-1.0")]
    assert sorted(told.in_language) == ["en", "ja", "zh"]
    assert [part.id for part in told.distribution] == [
        "samples.parquet", "train-shards", "valid-shards",
    ]  # fmt: skip
    assert told.record_sets[0].fields[3].description == "What both members take up (B)"


def test_a_licence_that_spdx_does_not_list_stays_as_it_is() -> None:
    assert licence_url("CC-BY-3.0") == "https://spdx.org/licenses/CC-BY-3.0.html"
    assert licence_url("LicenseRef-own") == "LicenseRef-own"
    assert licence_url("MIT AND CC0-1.0") == "MIT AND CC0-1.0"
