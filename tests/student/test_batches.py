"""Every sample is trained once an epoch, by whoever, from wherever; a batch is what it says."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from coded_export import coded_export
from hypothesis import given, settings
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import COMPACT, END, PAD
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.student.batches import BatchSettings, Packs, Position, Step
from lauter.student.examples import SpokenExamples
from lauter.student.mixture import Mixture

PLAIN = BatchSettings(batch_tokens=600, micro_tokens=200)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("batches")
    coded_export(folder / "webdataset", 40, shard_bytes=20_000)
    coded_export(folder / "lance", 40, kind="lance")
    return folder


@pytest.fixture(scope="module", params=["webdataset", "lance"])
def examples(folder: Path, request: pytest.FixtureRequest) -> SpokenExamples:
    return SpokenExamples(folder / request.param, ByteTokenizer(), COMPACT)


def packs_of(examples: SpokenExamples, settings: BatchSettings = PLAIN) -> Packs:
    return Packs(examples, COMPACT, settings, 512)


def names(steps: list[Step]) -> Counter[str]:
    return Counter(name for step in steps for batch in step.batches for name in batch.request_ids)


@pytest.mark.parametrize("world", [1, 2, 3])
def test_an_epoch_trains_each_sample_once_whatever_the_ranks(
    examples: SpokenExamples, world: int
) -> None:
    everything = Counter(one.request_id for one in examples.read(range(len(examples))))
    trained: Counter[str] = Counter()
    rounds = set()
    for rank in range(world):
        steps = list(packs_of(examples).steps(Position(), epochs=1, rank=rank, world=world))
        rounds.add(tuple(len(step.batches) for step in steps))
        trained += names(steps)
    assert trained == everything
    assert len(rounds) == 1, "a rank has more batches than another and would wait for ever"


@settings(deadline=None, max_examples=20)
@given(stop=st.integers(0, 8), world=st.integers(1, 3), then=st.integers(1, 3))
def test_stopped_anywhere_the_rest_is_what_is_left_for_other_ranks_too(
    folder: Path, stop: int, world: int, then: int
) -> None:
    packs = packs_of(SpokenExamples(folder / "webdataset", ByteTokenizer(), COMPACT))
    whole = list(packs.steps(Position(), epochs=2))
    before = [
        list(packs.steps(Position(), epochs=2, rank=rank, world=world))[:stop]
        for rank in range(world)
    ]
    place = before[0][-1].after if stop else Position()
    after = [list(packs.steps(place, epochs=2, rank=rank, world=then)) for rank in range(then)]
    trained = [one for steps in (*before, *after) for one in steps]
    assert names(trained) == names(whole)
    for number, step in enumerate(whole[stop:]):
        assert names([steps[number] for steps in after]) == names([step])


def test_a_batch_foretells_codes_and_the_end_and_nothing_else(examples: SpokenExamples) -> None:
    packs = packs_of(examples)
    batch = packs.batch([(0, pack) for pack in packs.epoch(0)[:2]])
    ids, segments = batch.ids.flatten(), batch.segments.flatten()
    assert ((segments == 0) == (ids == PAD)).all()
    assert (ids[batch.places + 1] == batch.targets).all()
    assert (segments[batch.places] == segments[batch.places + 1]).all()
    at = 0
    for record in batch.records:
        codes = np.asarray(record["codes"]) + COMPACT.text_size
        stream = [*codes.tolist(), END]
        assert batch.targets[at : at + len(stream)].tolist() == stream
        assert batch.slots[at : at + len(stream)].tolist() == [n % 5 for n in range(len(stream))]
        at += len(stream)
    assert at == len(batch.targets)


@pytest.mark.parametrize("mask", ["pad", "random"])
def test_hidden_history_is_seeded_and_leaves_targets_and_prompts_alone(
    examples: SpokenExamples, mask: str
) -> None:
    masking = BatchSettings(batch_tokens=600, history_masking=0.5, history_mask=mask)
    packs = packs_of(examples, masking)
    chosen = packs.epoch(0)
    plain = packs.batch([(0, pack) for pack in chosen], masked=False)
    hidden = packs.batch([(0, pack) for pack in chosen])
    assert (hidden.ids == packs.batch([(0, pack) for pack in chosen]).ids).all()
    assert (hidden.ids != packs.batch([(1, pack) for pack in chosen]).ids).any()
    assert (hidden.targets == plain.targets).all()
    changed = hidden.ids != plain.ids
    speech = plain.ids >= COMPACT.text_size
    assert not (changed & ~speech).any()
    share = float(changed.sum() / speech.sum())
    assert 0.4 < share < 0.6
    if mask == "random":
        linguistic = COMPACT.text_size + 1024
        assert ((hidden.ids < linguistic) == (plain.ids < linguistic)).all()
    else:
        assert (hidden.ids[changed] == PAD).all()


def test_no_packs_make_a_batch_without_targets(examples: SpokenExamples) -> None:
    batch = packs_of(examples).batch([])
    assert batch.ids.shape[0] == 1 and not batch.segments.any() and not len(batch.places)


def test_a_step_takes_as_many_packs_whatever_the_ranks(examples: SpokenExamples) -> None:
    packs = packs_of(examples)
    for world in (1, 2, 3):
        assert packs.accumulation(world) * world * packs.rows >= packs.packs_a_step
        first = [next(packs.steps(Position(), rank=rank, world=world)) for rank in range(world)]
        assert {step.after for step in first} == {Position(0, packs.packs_a_step)}


def test_a_mixture_sets_what_an_epoch_holds(examples: SpokenExamples) -> None:
    packs = packs_of(examples, BatchSettings(mixture=Mixture({"zh": 0})))
    spoken = {
        examples.cells[examples.cell_of[item.sample]].language
        for pack in packs.epoch(0)
        for item in pack
    }
    assert spoken == {"en"}


def test_an_example_longer_than_the_context_is_named_or_skipped(examples: SpokenExamples) -> None:
    longest = int(examples.lengths.max())
    (spoken,) = examples.read([int(examples.lengths.argmax())])
    with pytest.raises(UsageError, match=f"{spoken.request_id} has {longest} ids, more than"):
        Packs(examples, COMPACT, PLAIN, longest - 1)
    skipping = Packs(examples, COMPACT, BatchSettings(too_long="skip"), longest - 1)
    assert skipping.skipped == int((examples.lengths == longest).sum())


@pytest.mark.parametrize("name", ["pack_tokens", "batch_tokens", "micro_tokens", "window"])
def test_settings_that_make_no_batch_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=rf"batches\.{name} is 0; set 1 or more"):
        BatchSettings(**{name: 0})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"codecs": ()}, "holds no speech codes; run `lauter codec encode`"),
        ({"with_codes": False}, "holds no speech codes"),
        ({"codecs": ("codec-1", None)}, "has no codes; run"),
        ({"codecs": ("codec-1", "codec-2")}, "are of two codecs: .* has codec-[12], "),
    ],
)
def test_an_export_that_cannot_be_learnt_from_is_refused(
    tmp_path: Path, changed: dict[str, object], told: str
) -> None:
    folder = coded_export(tmp_path / "export", 12, **changed)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=told):
        SpokenExamples(folder, ByteTokenizer(), COMPACT)
