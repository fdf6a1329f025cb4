"""An export in a store is that of a disk: whole or none, read alike, never over other work."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from judged_corpus import accepted_numbers, judged_corpus
from torch.utils.data import DataLoader

from lauter.datasets import store_lock
from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.exported import CARD
from lauter.datasets.lance_export import export_lance
from lauter.datasets.loader import SpeechLoader
from lauter.datasets.shards import export_webdataset
from lauter.datasets.store_lock import LOCK, locks_in
from lauter.datasets.store_path import StorePath

ROWS = 60
SHARD = "train/recording.000001.tar"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return judged_corpus(tmp_path_factory.mktemp("export") / "corpus", ROWS)


@pytest.fixture(params=["s3", "memory"])
def store(request: pytest.FixtureRequest) -> Iterator[StorePath]:
    if request.param == "s3":
        yield StorePath(request.getfixturevalue("bucket"))
    else:
        yield StorePath(f"memory://{uuid4().hex}")


def numbers(folder: str | StorePath, split: str = "train") -> list[int]:
    loader = SpeechLoader(folder, split=split, batch_size=5)
    return [sample.record["seed"] for samples, _ in loader for sample in samples]


def exported(corpus: Corpus, folder: StorePath, **settings: bool) -> list[int]:
    """Export into shards of some ten samples each, and read them back."""
    export_webdataset(corpus, folder, shard_bytes=30_000, **settings)
    return sorted(numbers(folder))


def test_its_files_are_those_of_a_disk_to_the_byte_but_for_the_card(
    corpus: Corpus, store: StorePath, tmp_path: Path
) -> None:
    here = export_webdataset(corpus, tmp_path / "e", shard_bytes=30_000)
    there = export_webdataset(corpus, f"{store}/e", shard_bytes=30_000)
    assert there.files == here.files and there.shards > 2 and there.folder == store / "e"
    local = {p.relative_to(tmp_path / "e").as_posix(): p for p in (tmp_path / "e").rglob("*.*")}
    assert (store / "e").sizes().keys() == local.keys()
    for name, file in local.items():
        assert name == CARD or (store / "e" / name).read_bytes() == file.read_bytes()
    card = (store / "e" / CARD).read_text()
    assert f'SpeechLoader("{store}/e"' in card and f"copy {store}/e into" in card


def test_it_is_read_in_the_same_order_and_resumed_by_any_workers(
    corpus: Corpus, store: StorePath, tmp_path: Path
) -> None:
    for folder in (tmp_path / "e", store / "e"):
        export_webdataset(corpus, folder, shard_bytes=30_000)
    here, there = (SpeechLoader(f, batch_size=5, seed=7) for f in (tmp_path / "e", store / "e"))
    batches = [(samples, state) for samples, state in here]
    assert sum(len(samples) for samples, _ in batches) == len(accepted_numbers(ROWS))
    # A store of this process's memory is a copy in each worker, which is all that reading needs.
    workers = DataLoader(there, batch_size=None, num_workers=2, multiprocessing_context="fork")
    for (ours, state), (theirs, their_state) in zip(batches, workers, strict=True):
        assert [s.key for s in ours] == [s.key for s in theirs] and state == their_state
        assert [s.flac for s in ours] == [s.flac for s in theirs]
    there.load_state_dict(batches[2][1])
    rest = [sample.key for samples, _ in there for sample in samples]
    assert rest == [sample.key for samples, _ in batches[3:] for sample in samples]


def test_a_lance_export_lies_where_lance_can_keep_it(corpus: Corpus, bucket: str) -> None:
    export_lance(corpus, f"{bucket}/rows", splits={"train": 0.5, "valid": 0.5})
    both = [number for split in ("train", "valid") for number in numbers(f"{bucket}/rows", split)]
    assert sorted(both) == accepted_numbers(ROWS)
    with pytest.raises(UsageError, match="is there already"):
        export_lance(corpus, f"{bucket}/rows")
    with pytest.raises(UsageError, match="Lance keeps no data at memory://rows"):
        export_lance(corpus, "memory://rows")


def test_an_export_is_replaced_only_when_told_so(corpus: Corpus, store: StorePath) -> None:
    assert exported(corpus, store / "e") == accepted_numbers(ROWS)
    with pytest.raises(UsageError, match=r"is there already; .*export\.overwrite=true"):
        exported(corpus, store / "e")
    export_webdataset(corpus, store / "e", accepted=False, overwrite=True)
    assert not set(numbers(store / "e")) & set(accepted_numbers(ROWS))
    assert len(list((store / "e" / "train").glob("*.tar"))) == 1  # none is left of the three


def test_nothing_to_export_leaves_what_was_there(corpus: Corpus, store: StorePath) -> None:
    whole = exported(corpus, store / "e")
    with pytest.raises(UsageError, match="cannot name a split"):
        export_webdataset(corpus, store / "e", overwrite=True, splits={"a/b": 1.0})
    assert sorted(numbers(store / "e")) == whole and not locks_in(store / "e")


def test_an_interrupted_export_leaves_none(corpus: Corpus, store: StorePath) -> None:
    def stop(written: int, of: int) -> None:
        if written == 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_webdataset(corpus, store / "e", shard_bytes=30_000, on_sample=stop)
    assert not (store / "e").sizes()
    assert exported(corpus, store / "e") == accepted_numbers(ROWS)


def later(folder: StorePath) -> None:
    """Make the lock of a dead exporter as old as it will be when others may write."""
    (lock,) = locks_in(folder).values()
    holder = json.loads(lock.read_text())
    lock.write_text(json.dumps(holder | {"alive": holder["alive"] - store_lock.STALE_AFTER_S}))


KILLED = """
import os, signal, sys
from lauter.datasets.corpus import Corpus
from lauter.datasets.shards import export_webdataset
def kill(written, of):
    if written == 25:
        os.kill(os.getpid(), signal.SIGKILL)
export_webdataset(Corpus.open(sys.argv[1]), sys.argv[2], shard_bytes=30_000, on_sample=kill)
"""


def test_what_a_killed_export_left_is_no_export_and_is_made_anew(
    corpus: Corpus, bucket: str
) -> None:
    folder = StorePath(f"{bucket}/e")
    words = [sys.executable, "-P", "-c", KILLED, str(corpus.path), str(folder)]
    assert subprocess.run(words).returncode == -signal.SIGKILL
    assert len(list((folder / "train").glob("*.tar"))) == 3
    with pytest.raises(UsageError, match=r"the export .* is not finished; wait until it is, or"):
        numbers(folder)
    with pytest.raises(UsageError, match=r"being written by process \d+ .* s if it was killed"):
        exported(corpus, folder)
    later(folder)
    assert exported(corpus, folder) == accepted_numbers(ROWS)
    assert not locks_in(folder)


def test_nobodys_other_work_is_overwritten(corpus: Corpus, store: StorePath) -> None:
    (store / "thesis" / "chapter.txt").write_text("years of work")
    (store / "tars" / "train" / "theirs.tar").write_text("years of work")
    (store / "beside" / "diary.txt").write_text("years of work")
    (store / "beside" / f"{LOCK}.00000001").write_text("left by an export that was killed")
    for folder, overwrite, sentence in (
        ("thesis", False, "is there already"),
        ("thesis", True, r"holds something else than an export \(chapter.txt\)"),
        ("thesis/chapter.txt", True, "is a file; name a folder"),
        ("tars", True, r"holds something else than an export \(train\)"),
        ("beside", False, r"holds something else than an export \(diary.txt\)"),
    ):
        before = store.sizes()
        with pytest.raises(UsageError, match=sentence):
            export_webdataset(corpus, store / folder, overwrite=overwrite)
        assert store.sizes() == before


def test_two_exports_to_one_place_do_not_mix(corpus: Corpus, store: StorePath) -> None:
    def second(written: int, of: int) -> None:
        if written == 25:
            with pytest.raises(UsageError, match=r"the export .* is being written by process"):
                export_webdataset(corpus, store / "e", seed=1)

    export_webdataset(corpus, store / "e", shard_bytes=30_000, on_sample=second)
    assert sorted(numbers(store / "e")) == accepted_numbers(ROWS)


def test_what_appears_meanwhile_is_not_removed(
    corpus: Corpus, store: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes there after we found it empty and before we held the lock."""
    create = StorePath.create

    def after_another(lock: StorePath, text: str) -> bool:
        (store / "e" / "samples.parquet").write_text("theirs")
        return create(lock, text)

    monkeypatch.setattr(StorePath, "create", after_another)
    with pytest.raises(UsageError, match="was written by somebody else meanwhile"):
        export_webdataset(corpus, store / "e")
    assert (store / "e").sizes() == {"samples.parquet": 6}


def test_a_shard_that_was_cut_off_is_said_and_the_rest_is_read(
    corpus: Corpus, store: StorePath
) -> None:
    exported(corpus, store / "e")
    shard = store / "e" / SHARD
    upload = shard.open("wb")
    upload.write(shard.read_bytes()[:10_000])
    upload.close()
    with pytest.raises(UsageError, match=f"the shard {shard} is cut off: it has 10000 of"):
        numbers(store / "e")
    loader = SpeechLoader(store / "e", damaged="skip")
    read = {sample.record["seed"] for samples, _ in loader for sample in samples}
    assert 0 < len(set(accepted_numbers(ROWS)) - read) < 15
    shard.unlink()
    with pytest.raises(UsageError, match=f"the shard {shard} is missing"):
        numbers(store / "e")


@pytest.mark.parametrize("ends", ["by itself", "stopped"])
def test_who_has_lost_the_lock_leaves_the_others_work(
    ends: str, corpus: Corpus, store: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken_over(written: int, of: int) -> None:
        if written == 25:
            monkeypatch.setattr(store_lock, "STALE_AFTER_S", -1.0)
            (store / "e" / "train" / "theirs.tar").write_text("theirs")
            if ends == "stopped":
                raise KeyboardInterrupt

    raised = KeyboardInterrupt if ends == "stopped" else LauterError
    with pytest.raises(raised, match=None if ends == "stopped" else "its lock of the export"):
        export_webdataset(corpus, store / "e", on_sample=taken_over)
    assert (store / "e" / "train" / "theirs.tar").is_file() and locks_in(store / "e")
