"""A reference is another utterance of the same voice, drawn by lot, counted with its example."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from coded_export import coded_export
from hypothesis import given, settings
from hypothesis import strategies as st
from midget import midget, settings_of

from lauter.datasets.codes import InvalidCodesError
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import COMPACT, PAD, Reference, speech_example, speech_prompt, tag_words
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.student.batches import Batch, BatchSettings, Packs, Position, Step
from lauter.student.checkpoint import load_model
from lauter.student.examples import SpokenExamples
from lauter.student.packing import Item
from lauter.student.references import References
from lauter.student.train import train
from lauter.student.training_log import read_log
from lauter.student.validation import HeldOut

SPEAKERS = ("Ada", "Bo", "Cleo")
HALF = BatchSettings(batch_tokens=900, micro_tokens=300, reference_share=0.5)


@st.composite
def told(draw: st.DrawFn) -> Any:
    """What is known of some samples: speakers, texts, lengths and blocks."""
    size = draw(st.integers(1, 24))
    numbers = {
        name: np.asarray(draw(st.lists(st.integers(low, high), min_size=size, max_size=size)))
        for name, low, high in (
            ("speaker_of", 0, 3), ("text_of", 0, 5), ("lengths", 1, 30),
            ("reference_lengths", -2, 30),
        )
    }  # fmt: skip
    ends = [*sorted(draw(st.sets(st.integers(1, size)))), size]

    def bounds(sample: int) -> tuple[int, int]:
        block = int(np.searchsorted(ends, sample, side="right"))
        return ends[block - 1] if block else 0, ends[block]

    return SimpleNamespace(**numbers, bounds=bounds, speakers=["", "Ada", "Bo", "unknown"])


def drawn(examples: Any, share: float, seed: int, epoch: int, copy: int = 0) -> list[Item]:
    references = References(cast(SpokenExamples, examples), share, seed, 40)
    count = len(examples.lengths)
    return [references.drawn(Item(sample, copy), epoch) for sample in range(count)]


@settings(deadline=None)
@given(examples=told(), seed=st.integers(0, 9), epoch=st.integers(0, 3))
def test_who_can_have_a_reference_has_one_that_may_be_it(
    examples: Any, seed: int, epoch: int
) -> None:
    for sample, _, reference in drawn(examples, 1.0, seed, epoch):
        speaker = int(examples.speaker_of[sample])
        possible = [
            other
            for other in range(len(examples.lengths))
            if examples.speaker_of[other] == speaker
            and examples.speakers[speaker] in ("Ada", "Bo")
            and examples.text_of[other] != examples.text_of[sample]
            and examples.lengths[sample] + examples.reference_lengths[other] <= 40
        ]
        low, high = examples.bounds(sample)
        near = [other for other in possible if low <= other < high]
        assert reference in (near or possible or [None])
        assert reference != sample


@settings(deadline=None)
@given(examples=told(), share=st.floats(0, 1), seed=st.integers(0, 9), data=st.data())
def test_lots_hang_on_seed_epoch_and_sample_alone(
    examples: Any, share: float, seed: int, data: st.DataObject
) -> None:
    whole = drawn(examples, share, seed, 1)
    sample = data.draw(st.integers(0, len(whole) - 1))
    apart = References(cast(SpokenExamples, examples), share, seed, 40)
    assert apart.drawn(Item(sample, 0), 1) == whole[sample]


def test_the_share_is_drawn_and_every_epoch_and_copy_anew() -> None:
    count = 400
    examples = SimpleNamespace(
        speaker_of=np.zeros(count, np.int32), text_of=np.arange(count), speakers=["Ada"],
        lengths=np.ones(count, np.int32), reference_lengths=np.ones(count, np.int32),
        bounds=lambda sample: (0, count),
    )  # fmt: skip
    first = drawn(examples, 0.25, 0, 0)
    assert 0.18 < sum(item.reference is not None for item in first) / count < 0.32
    for other in (drawn(examples, 0.25, 0, 1), drawn(examples, 0.25, 1, 0)):
        assert [item.reference for item in other] != [item.reference for item in first]
    again = drawn(examples, 0.25, 0, 0, copy=1)
    assert [item.reference for item in again] != [item.reference for item in first]
    assert all(item.reference is None for item in drawn(examples, 0.0, 0, 0))
    assert len({item.reference for item in drawn(examples, 1.0, 0, 0)}) > count / 2


def test_a_voice_of_which_nothing_fits_is_not_searched() -> None:
    """Or each of its samples would look at all others: a long epoch for a big corpus."""
    count = 50
    asked: list[int] = []

    def bounds(sample: int) -> tuple[int, int]:
        asked.append(sample)
        return 0, count

    lengths = np.full(count, 30)
    lengths[0] = 25
    examples = SimpleNamespace(
        speaker_of=np.zeros(count, np.int32), text_of=np.arange(count), speakers=["Ada"],
        lengths=lengths, reference_lengths=np.full(count, 15, np.int32), bounds=bounds,
    )  # fmt: skip
    first, *others = drawn(examples, 1.0, 0, 0)
    assert first.reference is not None and asked == [0]
    assert all(item.reference is None for item in others)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("references")
    coded_export(folder / "webdataset", 40, speakers=SPEAKERS, shard_bytes=20_000)
    coded_export(folder / "lance", 40, speakers=SPEAKERS, kind="lance")
    midget(folder / "init")
    return folder


@pytest.fixture(scope="module", params=["webdataset", "lance"])
def examples(folder: Path, request: pytest.FixtureRequest) -> SpokenExamples:
    return SpokenExamples(folder / request.param, ByteTokenizer(), COMPACT)


def packs_of(examples: SpokenExamples, how: BatchSettings = HALF, context: int = 512) -> Packs:
    return Packs(examples, COMPACT, how, context)


def test_an_example_begins_with_the_turn_and_names_nobody(examples: SpokenExamples) -> None:
    packs = packs_of(examples)
    items = [item for pack in packs.epoch(0) for item in pack]
    alone = examples.read([item.sample for item in items])
    spoken = examples.read([item.sample for item in items], [item.reference for item in items])
    for item, one, plain in zip(items, spoken, alone, strict=True):
        assert one.record == plain.record and one.request_id == plain.request_id
        shown = None
        if item.reference is not None:
            (other,) = examples.read([item.reference])
            assert other.record["speaker"] == one.record["speaker"]
            assert other.record["text"] != one.record["text"]
            shown = Reference(other.record["text"], other.record["codes"])
        prompt = speech_prompt(
            ByteTokenizer(), COMPACT, tag_words(one.record) + one.record["text"],
            system="" if shown else one.record["speaker"], reference=shown,
        )  # fmt: skip
        expected = speech_example(prompt, COMPACT, one.record["codes"])
        assert (one.example.ids == expected.ids).all()
        assert (one.example.is_target == expected.is_target).all()
        assert packs.length(item) == len(one.example.ids) <= packs.longest <= packs.pack_tokens
    share = sum(item.reference is not None for item in items) / len(items)
    assert 0.2 < share < 0.8


def test_a_reference_of_another_shard_is_found(folder: Path) -> None:
    examples = SpokenExamples(folder / "webdataset", ByteTokenizer(), COMPACT)
    far = [(0, len(examples) - 1), (len(examples) - 1, 0)]
    assert examples.bounds(0)[1] <= len(examples) - 1
    for sample, reference in far:
        (one,) = examples.read([sample], [reference])
        (other,) = examples.read([reference])
        text = ByteTokenizer().encode(other.record["text"])
        assert bytes(text) in bytes(one.example.ids[one.example.ids < 256].astype(np.uint8))
        assert len(one.example.ids) > examples.lengths[sample]


def test_a_turn_of_codes_that_are_no_stream_is_called_by_its_sample(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = SpokenExamples(folder / "lance", ByteTokenizer(), COMPACT)
    record = examples._record
    (damaged,) = examples.read([1])

    def read(table: Any, block: int, sample: int) -> dict[str, Any]:
        return record(table, block, sample) | ({"codes": [1, 2, 3]} if sample == 1 else {})

    monkeypatch.setattr(examples, "_record", read)
    with pytest.raises(InvalidCodesError, match=f"the sample {damaged.request_id}"):
        examples.read([0], [1])


@settings(deadline=None, max_examples=15)
@given(share=st.floats(0.1, 1), room=st.integers(0, 80), epoch=st.integers(0, 3))
def test_packs_hold_what_they_were_planned_for(
    folder: Path, share: float, room: int, epoch: int
) -> None:
    examples = SpokenExamples(folder / "lance", ByteTokenizer(), COMPACT)
    context = int(examples.lengths.max()) + room
    how = BatchSettings(batch_tokens=600, pack_tokens=context, reference_share=share)
    packs = packs_of(examples, how, context)
    chosen = packs.epoch(epoch)
    assert sorted(item.sample for pack in chosen for item in pack) == list(range(len(examples)))
    batch = packs.batch([(epoch, pack) for pack in chosen])
    filled = (batch.segments > 0).sum(1).tolist()
    assert filled == [sum(packs.length(item) for item in pack) for pack in chosen]
    assert max(filled) <= context
    assert packs.padding(epoch) == pytest.approx(1 - sum(filled) / (len(chosen) * context))


def test_only_the_answer_is_foretold_and_only_it_is_hidden(examples: SpokenExamples) -> None:
    how = BatchSettings(batch_tokens=900, reference_share=1.0, history_masking=0.6)
    packs = packs_of(examples, how)
    chosen = [(0, pack) for pack in packs.epoch(0)]
    plain, hidden = packs.batch(chosen, masked=False), packs.batch(chosen)
    assert (plain.targets == hidden.targets).all()
    answers = [len(record["codes"]) + 1 for record in plain.records]
    assert len(plain.targets) == sum(answers)
    assert (plain.ids.flatten()[plain.places + 1] == plain.targets).all()
    foretold = torch.zeros(plain.ids.numel(), dtype=torch.bool)
    foretold[plain.places + 1] = True
    changed = (plain.ids != hidden.ids).flatten()
    assert changed.any() and not (changed & ~foretold).any()
    assert (hidden.ids.flatten()[changed] == PAD).all()
    in_references = (plain.ids.flatten() >= COMPACT.text_size) & ~foretold
    assert int(in_references.sum()) > 100


def same(one: Batch, other: Batch) -> bool:
    return one.request_ids == other.request_ids and torch.equal(one.ids, other.ids)


@settings(deadline=None, max_examples=10)
@given(stop=st.integers(0, 6), seed=st.integers(0, 2))
def test_stopped_anywhere_the_same_turns_follow(folder: Path, stop: int, seed: int) -> None:
    how = BatchSettings(batch_tokens=900, reference_share=0.5, history_masking=0.3, seed=seed)

    def steps(start: Position) -> list[Step]:
        examples = SpokenExamples(folder / "webdataset", ByteTokenizer(), COMPACT)
        return list(packs_of(examples, how).steps(start, epochs=2))

    whole = steps(Position())
    stop = min(stop, len(whole))
    rest = steps(whole[stop - 1].after if stop else Position())
    assert len(rest) == len(whole) - stop
    for ours, theirs in zip(rest, whole[stop:], strict=True):
        assert ours.after == theirs.after
        assert all(map(same, ours.batches, theirs.batches))


def test_a_voice_that_speaks_once_stands_alone(tmp_path: Path) -> None:
    everyone = tuple(f"voice {number}" for number in range(12))
    folder = coded_export(tmp_path / "export", 12, speakers=everyone, valid=0)
    examples = SpokenExamples(folder, ByteTokenizer(), COMPACT)
    packs = packs_of(examples, BatchSettings(reference_share=1.0))
    assert all(item.reference is None for pack in packs.epoch(0) for item in pack)


def test_held_out_speech_is_measured_with_references_too(folder: Path) -> None:
    how = BatchSettings(batch_tokens=900, reference_share=1.0)
    sizes = []
    for one in (how, BatchSettings(batch_tokens=900)):
        held_out = HeldOut(folder / "lance", ByteTokenizer(), COMPACT, one, 512, split="valid")
        batches = [batch for _, batch in held_out.batches(0, 1)]
        sizes.append(sum(int((batch.segments > 0).sum()) for batch in batches))
    assert sizes[0] > sizes[1]


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match=r"reference_share is .*; set a share of the examples"):
        BatchSettings(reference_share=share)


class StopError(Exception):
    """Stands for a power cut."""


@pytest.mark.slow
def test_a_student_learns_to_go_on_from_recordings_and_says_so(folder: Path) -> None:
    taken: list[int] = []

    def stop(figures: Any, steps: int) -> None:
        taken.append(steps)
        if len(taken) == 2:
            raise StopError

    def run(name: str, **others: Any) -> Any:
        how = {"batches": HALF, "steps": 3, "evaluate_every": 3, "save_every": 1} | others
        return settings_of(folder / "lance", folder / name, folder / "init", **how)

    def lines(name: str) -> list[dict[str, Any]]:
        timed = ("seconds", "tokens_per_s", "mfu")
        return [
            {key: value for key, value in line.items() if key not in timed}
            for line in read_log(folder / name)
        ]

    result = train(run("whole"))
    with pytest.raises(StopError):
        train(run("killed"), on_step=stop)
    train(run("killed"))
    assert lines("killed") == lines("whole") and len(lines("whole")) == 4
    assert load_model(result.student)[1]["reference_turns"] is True
    without = BatchSettings(batch_tokens=900, micro_tokens=300)
    with pytest.raises(UsageError, match=r"reference_share=0\.5, and this run has .*=0\.0"):
        train(run("whole", batches=without))
    named = train(run("named", batches=without, steps=1, evaluate_every=0))
    assert load_model(named.student)[1]["reference_turns"] is False
