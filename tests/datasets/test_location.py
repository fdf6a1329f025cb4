"""What a path or a URL names, and what stores' drivers raise, in sentences."""

import pickle
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.loader import SpeechLoader
from lauter.datasets.location import is_url, lance_options, location_of, write_whole
from lauter.datasets.store_errors import in_words, trouble
from lauter.datasets.store_path import StorePath

NAMES = st.text(st.characters(categories=["L", "N"], include_characters=" ._-"), min_size=1)


def test_what_lies_on_a_disk_is_a_path_and_nothing_else() -> None:
    for name in ("corpus", "/data/corpus", "../a:b", "C:/x", "run:1/x"):
        assert location_of(name) == Path(name) and not is_url(name)
    assert location_of("file:///data/corpus") == Path("/data/corpus")
    assert lance_options(Path("corpus")) is None


def test_a_url_that_went_through_pathlib_is_refused_and_not_made_a_folder() -> None:
    with pytest.raises(UsageError, match=r"^s3:/bucket/e has one slash after 's3:'; write s3://"):
        SpeechLoader(Path("s3://bucket/e"))
    with pytest.raises(UsageError, match="has one slash"):
        Corpus.create("s3:/bucket/c")
    with pytest.raises(TypeError):
        Path(StorePath("s3://bucket"))  # type: ignore[arg-type]


def test_a_store_that_nobody_knows_is_refused() -> None:
    for url in ("swift://a/b", "simplecache::s3://a/b"):
        with pytest.raises(UsageError, match="is in no store that is known; write s3://"):
            location_of(url)


@given(st.lists(NAMES.filter(lambda name: name.strip(".")), min_size=1, max_size=4))
def test_joining_is_undone_by_the_parent(parts: list[str]) -> None:
    place = StorePath("s3://bucket")
    for part in parts:
        inner = place / part
        assert inner.parent == place and inner.name == part
        assert inner.stem == Path("/x", part).stem
        assert location_of(str(inner)) == inner == pickle.loads(pickle.dumps(inner))
        place = inner
    assert StorePath("s3://bucket").parent == StorePath("s3://bucket")


def test_lance_is_led_to_the_server_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    place = StorePath("s3://bucket/c")
    assert lance_options(place) == {}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://minio.example")
    assert lance_options(place) == {"aws_endpoint": "https://minio.example", "allow_http": "false"}
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000")
    assert lance_options(place) == {"aws_endpoint": "http://127.0.0.1:9000", "allow_http": "true"}
    assert lance_options(StorePath("gs://bucket/c")) == {}
    with pytest.raises(UsageError, match="Lance keeps no data at memory://c; name a folder or"):
        Corpus.create("memory://c")


@pytest.mark.parametrize("store", ["disk", "memory"])
def test_a_small_file_is_there_whole_with_its_folder(store: str, tmp_path: Path) -> None:
    folder = tmp_path if store == "disk" else StorePath("memory://small")
    for text in ("a", "b"):
        write_whole(folder / "in" / "it", text)
        assert (folder / "in" / "it").read_text() == text
    assert [file.name for file in (folder / "in").iterdir()] == ["it"]


LANCE = "LanceError(IO): Generic S3 error: Error performing GET http://127.0.0.1:9/b?list-type=2 "


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("in 3 ms - Server returned non-2xx status code: 404 Not Found: <?xml version='1.0'?>\n"
         "<Error><Code>NoSuchBucket</Code>", "there is no bucket s3://b; make it"),
        ("in 101 ms, after 10 retries - HTTP error: error sending request, /x/y.rs:1576:42",
         r"the store of s3://b/c cannot be reached \(.*request\); check the network"),
        ("in 3 ms - Server returned non-2xx status code: 403 Forbidden", "the store refuses s3://b/c"),
        ("Failed to get AWS credentials: CredentialsNotLoaded", "no keys were found for s3://b/c"),
    ],
)  # fmt: skip
def test_what_lance_says_of_a_store_is_a_sentence(said: str, sentence: str) -> None:
    told = trouble(OSError(LANCE + said), "s3://b/c")
    assert told is not None and re.match(sentence, told) and "\n" not in told


def test_what_is_no_trouble_of_stores_is_not_taken_for_one() -> None:
    for error in (
        OSError("Dataset at path Timeout/NoSuchBucket/PermissionError was not found"),
        FileNotFoundError("s3://b/ConnectionError"),
        ValueError("no column 403"),
    ):
        assert trouble(error, "s3://b/c") is None
    with pytest.raises(FileNotFoundError), in_words("s3://b/c"):
        raise FileNotFoundError("s3://b/c")


def test_a_driver_that_is_not_installed_is_named_with_what_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drivers = import_module("fsspec.registry")._registry
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(drivers, "s3", raising=False)
    with pytest.raises(UsageError, match=r"s3fs is not here; install lauter\[s3\]"):
        Corpus.open("s3://bucket/c")
    with pytest.raises(UsageError, match="gcsfs"):
        Corpus.open("gs://bucket/c")
