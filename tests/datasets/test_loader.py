"""The loader gives each sample once an epoch and goes on exactly where it stopped."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_corpus import accepted_numbers, flac_of, judged_corpus, request_of
from torch.utils.data import DataLoader

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.lance_export import export_lance
from lauter.datasets.loader import SpeechLoader, State
from lauter.datasets.marking import unmarked
from lauter.datasets.shards import export_webdataset

ROWS = 100
SAMPLES = len(accepted_numbers(ROWS))
KINDS = ("shards", "rows")
Batches = list[tuple[list[int], State]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same samples, exported as shards and as Lance, in one split and in two."""
    folder = tmp_path_factory.mktemp("loader")
    corpus = judged_corpus(folder / "corpus", ROWS)
    export_webdataset(corpus, folder / "shards", shard_bytes=20_000)
    export_lance(corpus, folder / "rows")
    shares = {"train": 0.5, "valid": 0.5}
    export_webdataset(corpus, folder / "split-shards", splits=shares)
    export_lance(corpus, folder / "split-rows", splits=shares)
    return folder


def numbers(loader: Any) -> Batches:
    """What a loader gives: the numbers of each batch's samples, and the state after it."""
    return [([s.record["seed"] for s in samples], state) for samples, state in loader]


def flat(batches: Batches) -> list[int]:
    return [number for batch, _ in batches for number in batch]


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_what_was_exported(kind: str, folder: Path) -> None:
    for samples, _ in SpeechLoader(folder / kind, batch_size=7):
        for sample in samples:
            number = sample.record["seed"]
            request = request_of(number)
            assert sample.key == request.request_id
            assert unmarked(sample.flac) == flac_of(number)
            assert sample.record["text"] == request.prompt.text
            assert sample.clip.duration_s == (400 + number) / 16000


def test_both_kinds_of_export_have_the_same_splits(folder: Path) -> None:
    for split in ("train", "valid"):
        shards, rows = (
            sorted(flat(numbers(SpeechLoader(folder / f"split-{kind}", split=split))))
            for kind in KINDS
        )
        assert shards == rows and 0 < len(rows) < SAMPLES


@settings(deadline=None, max_examples=25)
@given(
    kind=st.sampled_from(KINDS),
    batch_size=st.integers(1, 9),
    seed=st.integers(0, 9),
    world=st.integers(1, 4),
    then_world=st.integers(1, 4),
    data=st.data(),
)
def test_stopped_and_resumed_over_other_ranks_each_sample_comes_once(
    kind: str,
    batch_size: int,
    seed: int,
    world: int,
    then_world: int,
    data: st.DataObject,
    folder: Path,
) -> None:
    def loaders(world: int) -> list[SpeechLoader]:
        return [
            SpeechLoader(
                folder / kind, batch_size=batch_size, seed=seed, window=16, rank=rank, world=world
            )
            for rank in range(world)
        ]

    whole = [numbers(loader) for loader in loaders(world)]
    assert sorted(n for batches in whole for n in flat(batches)) == accepted_numbers(ROWS)
    assert [len(batches) for batches in whole] == [len(loader) for loader in loaders(world)]
    stop = data.draw(st.integers(1, len(whole[0]) - 1))
    (state,) = {tuple(batches[stop - 1][1].items()) for batches in whole}
    rest = loaders(then_world)
    for loader in rest:
        loader.load_state_dict(dict(state))
    before = [n for batches in whole for n in flat(batches[:stop])]
    after = [n for loader in rest for n in flat(numbers(loader))]
    assert sorted(before + after) == accepted_numbers(ROWS)


@pytest.mark.parametrize(
    ("kind", "start_method"),
    [("shards", "fork"), pytest.param("rows", "forkserver", marks=pytest.mark.slow)],
)
def test_workers_change_nothing_and_resume_exactly(
    kind: str, start_method: str, folder: Path
) -> None:
    loader = SpeechLoader(folder / kind, batch_size=4, seed=3)

    def with_workers(state: State) -> Iterator[tuple[list[Any], State]]:
        loader.load_state_dict(state)
        return iter(
            DataLoader(loader, batch_size=None, num_workers=2, multiprocessing_context=start_method)
        )

    beginning = loader.state_dict()
    alone = numbers(loader)
    loader.load_state_dict(beginning)
    halfway = []
    for samples, state in with_workers(beginning):
        halfway.append(([sample.record["seed"] for sample in samples], state))
        if len(halfway) == 6:
            break
    # As a checkpoint would keep it.
    state = json.loads(json.dumps(halfway[-1][1]))
    assert halfway + numbers(with_workers(state)) == alone
    assert sorted(flat(alone)) == accepted_numbers(ROWS)


def test_the_loop_of_the_docstring_ends_on_every_rank(folder: Path) -> None:
    for rank in range(5):
        loader = SpeechLoader(folder / "shards", batch_size=1, rank=rank, world=5)
        state = loader.state_dict()
        taken = 0
        while state["epoch"] < 2:
            loader.load_state_dict(state)
            for batch in DataLoader(loader, batch_size=None):
                samples, state = batch
                taken += len(samples)
        assert taken in (2 * (SAMPLES // 5), 2 * -(-SAMPLES // 5))


def test_the_state_in_this_process_follows_what_was_yielded(folder: Path) -> None:
    loader = SpeechLoader(folder / "shards", batch_size=8)
    seen = []
    for samples, state in loader:
        assert loader.state_dict() == state
        seen += [sample.key for sample in samples]
        if len(seen) == 24:
            break
    rest = [sample.key for samples, _ in loader for sample in samples]
    assert len(set(seen) | set(rest)) == len(seen) + len(rest) == SAMPLES
    assert loader.state_dict()["epoch"] == 1 and loader.state_dict()["position"] == 0


def test_epochs_differ_and_a_seed_repeats_them(folder: Path) -> None:
    loader, again = (SpeechLoader(folder / "shards", batch_size=5) for _ in range(2))
    first, second = flat(numbers(loader)), flat(numbers(loader))
    assert sorted(first) == sorted(second) and first != second
    assert [flat(numbers(again)), flat(numbers(again))] == [first, second]
    unmixed = SpeechLoader(folder / "shards", shuffle=False)
    assert flat(numbers(unmixed)) == flat(numbers(unmixed))


def test_a_state_is_never_used_with_another_export_of_as_many_samples(
    folder: Path, tmp_path: Path
) -> None:
    corpus = Corpus.open(folder / "corpus")
    for kind, export in (("shards", export_webdataset), ("rows", export_lance)):
        export(corpus, tmp_path / kind, seed=1)
        state = SpeechLoader(folder / kind).state_dict()
        with pytest.raises(UsageError, match="the loader's state was taken with export="):
            SpeechLoader(tmp_path / kind).load_state_dict(state)
        for position in (-8, 10**9):
            with pytest.raises(UsageError, match=f"at sample {position} of epoch 0"):
                SpeechLoader(folder / kind).load_state_dict(state | {"position": position})


def test_a_state_is_never_used_with_another_order(folder: Path) -> None:
    state = SpeechLoader(folder / "shards", seed=1).state_dict()
    for other, sentence in (
        (SpeechLoader(folder / "shards", seed=2), "seed=1, and this loader has seed=2"),
        (SpeechLoader(folder / "shards", seed=1, window=5), "window=1024"),
        (SpeechLoader(folder / "split-shards", seed=1), f"samples={SAMPLES}"),
    ):
        with pytest.raises(UsageError, match=sentence):
            other.load_state_dict(state)
    with pytest.raises(UsageError, match="no state of a loader: it has no window"):
        other.load_state_dict({"epoch": 0, "position": 0, "seed": 1, "shuffle": 1})


def test_ranks_are_found_where_torchrun_says_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A training in this process may have left its process group behind, which would come first.
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: False)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    found = flat(numbers(SpeechLoader(folder / "shards", batch_size=4)))
    assert found == flat(numbers(SpeechLoader(folder / "shards", batch_size=4, rank=1, world=2)))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"split": "test"}, "has no split 'test'; it has train"),
        ({"batch_size": 0}, "set both to 1 or more"),
        ({"rank": 2, "world": 2}, "rank 2 of a world of 2 is none"),
        ({"rank": 0}, "rank 0 of a world of None is none"),
        ({"damaged": "ignore"}, "neither 'refuse' nor 'skip'"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_loaded_is_said(
    kind: str, options: dict[str, Any], sentence: str, folder: Path
) -> None:
    with pytest.raises(UsageError, match=sentence):
        SpeechLoader(folder / kind, **options)


def test_a_folder_that_is_no_export_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no export: it has no samples\.parquet") as refused:
        SpeechLoader(tmp_path)
    assert refused.value.exit_code == 2
    (tmp_path / "speech.lance").mkdir()
    with pytest.raises(UsageError, match="cannot be opened; it is damaged"):
        SpeechLoader(tmp_path)


def test_shards_are_loaded_without_lance() -> None:
    code = "import sys, lauter.datasets.loader; print('lance' in sys.modules)"
    told = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert told.stdout.strip() == "False"
