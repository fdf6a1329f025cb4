"""A place in a store answers as a folder does, in S3 as in any store of fsspec's."""

import gc
from collections.abc import Iterator
from uuid import uuid4

import pytest
import s3fs
from s3_server import S3Server

from lauter.datasets.errors import UsageError
from lauter.datasets.store_path import StorePath
from lauter.datasets.stretches import Stretch, open_stretches, sizes_in


@pytest.fixture(params=["s3", "memory"])
def folder(request: pytest.FixtureRequest) -> Iterator[StorePath]:
    if request.param == "s3":
        yield StorePath(request.getfixturevalue("bucket")) / "folder"
    else:
        yield StorePath(f"memory://{uuid4().hex}/folder")


def test_a_folder_is_there_while_something_is_in_it(folder: StorePath) -> None:
    assert not folder.exists() and list(folder.glob("*")) == []
    folder.mkdir(parents=True, exist_ok=True)
    with pytest.raises(FileNotFoundError):
        list(folder.iterdir())
    (folder / "b" / "x.tar").write_text("x")
    (folder / "a.json").write_text("ü")
    assert folder.is_dir() and (folder / "b").is_dir() and not (folder / "a.json").is_dir()
    assert (folder / "a.json").is_file() and not (folder / "b").is_file()
    assert list(folder.iterdir()) == [folder / "a.json", folder / "b"]
    assert list(folder.glob("*.json")) == [folder / "a.json"]
    assert (folder / "a.json").read_text() == "ü"
    (folder / "b").remove_tree()
    (folder / "a.json").unlink()
    assert not folder.exists()


def test_what_is_missing_is_missing_as_on_a_disk(folder: StorePath) -> None:
    with pytest.raises(FileNotFoundError):
        (folder / "none").read_text()
    with pytest.raises(FileNotFoundError):
        (folder / "none").open("rb").read()
    (folder / "none").unlink(missing_ok=True)


def test_of_two_that_create_an_object_the_second_is_told(folder: StorePath) -> None:
    assert (folder / "lock").create("mine")
    assert not (folder / "lock").create("yours")
    assert (folder / "lock").read_text() == "mine"


def test_what_others_write_is_seen_at_once(bucket: str, s3: S3Server) -> None:
    others = s3fs.S3FileSystem(endpoint_url=s3.url, skip_instance_cache=True)
    folder = StorePath(bucket) / "folder"
    (folder / "ours").write_text("")
    for number in range(3):
        assert len(list(folder.iterdir())) == len(folder.sizes()) == number + 1
        others.pipe_file(f"{folder}/{number}", b"")


def test_an_upload_appears_when_it_is_closed_and_never_if_it_is_dropped(folder: StorePath) -> None:
    upload = (folder / "kept").open("wb")
    upload.write(b"ab")
    assert not folder.exists()
    upload.write(b"c")
    upload.close()
    upload.close()
    assert upload.closed and (folder / "kept").read_bytes() == b"abc"
    dropped = (folder / "dropped").open("wb")
    dropped.write(b"abc")
    del dropped
    gc.collect()
    assert list(folder.iterdir()) == [folder / "kept"]


def test_stretches_and_sizes_are_those_of_the_objects(folder: StorePath) -> None:
    (folder / "in" / "one").write_text("0123456789")
    (folder / "two").write_text("abc")
    assert sizes_in(folder, []) == {"in/one": 10, "two": 3}
    reader = open_stretches(folder)
    wanted = [Stretch("in/one", 2, 3), Stretch("two", 0, 3), Stretch("in/one", 9, 1)]
    assert reader.read(wanted) == [b"234", b"abc", b"9"]
    reader.close()
    with (folder / "in" / "one").open("rb") as file:
        file.seek(7)
        assert file.read() == b"789"


def test_a_bucket_that_is_not_there_is_said(bucket: str) -> None:
    nowhere = StorePath(f"{bucket}-not-made/corpus")
    for asked in (nowhere.read_text, lambda: nowhere.write_text(""), lambda: nowhere.create("")):
        with pytest.raises(UsageError, match=f"there is no bucket {bucket}-not-made; make it"):
            asked()
    assert not nowhere.exists()
