"""One writer at a time in a store: a lock that is renewed, goes stale, and is taken over once."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from uuid import uuid4

import pytest

from lauter.datasets import store_lock
from lauter.datasets.corpus_lock import single_writer
from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.store_lock import LOCK, Holder, locks_in
from lauter.datasets.store_path import StorePath


@pytest.fixture(params=["s3", "memory"])
def folder(request: pytest.FixtureRequest) -> Iterator[StorePath]:
    if request.param == "s3":
        yield StorePath(request.getfixturevalue("bucket")) / "corpus"
    else:
        yield StorePath(f"memory://{uuid4().hex}/corpus")


def left_behind(folder: StorePath, seconds_ago: float, number: int = 1) -> Holder:
    """Leave the lock of a process that was killed so long ago."""
    alive = time.time() - seconds_ago
    dead = Holder(pid=4711, host="gone", since=alive - 60, alive=alive)
    (folder / f"{LOCK}.{number:08d}").write_text(json.dumps(asdict(dead)))
    return dead


def test_a_second_writer_is_told_of_the_first_and_writes_after_it(folder: StorePath) -> None:
    with single_writer(folder):
        assert len(locks_in(folder)) == 1
        with (
            pytest.raises(UsageError, match=r"written by process \d+ on .* since 20.*; wait until"),
            single_writer(folder),
        ):
            pass
        assert len(locks_in(folder)) == 1
    assert not locks_in(folder)
    with single_writer(folder) as check:
        check()


def test_a_lock_left_behind_holds_until_it_is_stale(folder: StorePath) -> None:
    left_behind(folder, store_lock.STALE_AFTER_S - 30)
    with (
        pytest.raises(UsageError, match=r"process 4711 on gone .*ends \(in (30|29) s if it was ki"),
        single_writer(folder, kind="run"),
    ):
        pass
    left_behind(folder, store_lock.STALE_AFTER_S)
    with single_writer(folder) as check:
        check()
        assert list(locks_in(folder)) == [2]
    assert not locks_in(folder)


def test_an_error_within_lets_others_write(folder: StorePath) -> None:
    with pytest.raises(KeyboardInterrupt), single_writer(folder):
        raise KeyboardInterrupt
    with single_writer(folder):
        pass


def test_a_lock_is_renewed_while_it_is_held(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_lock, "RENEWED_EVERY_S", 0.01)
    with single_writer(folder) as check:
        (lock,) = locks_in(folder).values()
        taken = json.loads(lock.read_text())
        until = time.monotonic() + 30
        while (now := json.loads(lock.read_text()))["alive"] == taken["alive"]:
            assert time.monotonic() < until
        assert now | {"alive": 0} == taken | {"alive": 0}
        check()


def test_of_two_that_find_it_free_one_writes(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other comes between our look and our try; then it is there, and we are told of it."""
    create = StorePath.create
    with ExitStack() as others:

        def after_another(lock: StorePath, text: str) -> bool:
            monkeypatch.setattr(StorePath, "create", create)
            others.enter_context(single_writer(folder))
            return create(lock, text)

        monkeypatch.setattr(StorePath, "create", after_another)
        with pytest.raises(UsageError, match="is being written by process"), single_writer(folder):
            pass
        assert len(locks_in(folder)) == 1


def test_of_two_that_find_it_stale_one_takes_over(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_behind(folder, store_lock.STALE_AFTER_S + 1)
    create = StorePath.create
    with ExitStack() as others:

        def after_another(lock: StorePath, text: str) -> bool:
            monkeypatch.setattr(StorePath, "create", create)
            others.enter_context(single_writer(folder))
            return create(lock, text)

        monkeypatch.setattr(StorePath, "create", after_another)
        with pytest.raises(UsageError, match="is being written by process"), single_writer(folder):
            pass
        assert list(locks_in(folder)) == [2]


def test_who_finds_a_higher_number_after_its_own_withdraws(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """We slept before our try; meanwhile others took over, and left, and others came."""
    create = StorePath.create

    def before_others(lock: StorePath, text: str) -> bool:
        left_behind(folder, 0, number=5)
        return create(lock, text)

    monkeypatch.setattr(StorePath, "create", before_others)
    with pytest.raises(UsageError, match="by process 4711 on gone"), single_writer(folder):
        pass
    assert list(locks_in(folder)) == [5]


def test_a_driver_that_asks_twice_does_not_lock_itself_out(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first try is written, but its answer is lost: the second one finds it there."""
    create = StorePath.create
    monkeypatch.setattr(
        StorePath, "create", lambda lock, text: create(lock, text) and create(lock, text)
    )
    with single_writer(folder) as check:
        check()


def test_who_was_taken_over_stops_before_the_next_commit_and_leaves_the_lock(
    folder: StorePath,
) -> None:
    """A writer freezes; another finds its lock stale; the first wakes up."""
    with single_writer(folder) as check:
        check()
        woken = time.time() + store_lock.STALE_AFTER_S + 1
        with pytest.MonkeyPatch.context() as later:
            later.setattr(store_lock.time, "time", lambda: woken)
            with single_writer(folder) as theirs:
                theirs()
                assert list(locks_in(folder)) == [2]
                with pytest.raises(LauterError, match="not been able to renew its lock"):
                    check()
        with pytest.raises(LauterError, match="another may be writing"):
            check()
        left_behind(folder, 0, number=3)
    assert list(locks_in(folder)) == [3]


def test_a_slow_clock_finds_out_when_it_renews(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process with a fast clock took over what was alive: its holder sees the higher number."""
    monkeypatch.setattr(store_lock, "RENEWED_EVERY_S", 0.01)
    with single_writer(folder) as check:
        left_behind(folder, 0, number=2)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                check()
            except LauterError:
                break
        else:
            pytest.fail("it never found out")
        (theirs,) = (lock for number, lock in locks_in(folder).items() if number == 2)
        assert "4711" in theirs.read_text()


def test_a_strange_lock_is_named_and_left_alone(folder: StorePath) -> None:
    (folder / f"{LOCK}.00000001").write_text("?")
    with (
        pytest.raises(UsageError, match=f"{LOCK}.00000001 is no lock that this Lauter can read"),
        single_writer(folder),
    ):
        pass
    assert (folder / f"{LOCK}.00000001").read_text() == "?"
