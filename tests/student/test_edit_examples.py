"""Edits are counted as long as they are, and learnt by the loop that learns to speak."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from coded_export import coded_export
from edit_chains import chains
from midget import midget, settings_of

from lauter.datasets.edit_pairs import EditPairs
from lauter.datasets.edits import Edit
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import COMPACT, PAD, Reference, edit_words, speech_prompt
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.student.batches import BatchSettings, Packs
from lauter.student.checkpoint import load_model
from lauter.student.distill import LossSettings
from lauter.student.edit_examples import EditExamples, Task, open_examples
from lauter.student.examples import SpokenExamples
from lauter.student.generation import Sampling, generate
from lauter.student.packing import Item
from lauter.student.train import train
from lauter.student.training_settings import TrainSettings

TOKENIZER = ByteTokenizer()


@pytest.fixture(scope="module", params=["webdataset", "lance"])
def export(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path_factory.mktemp("edits") / "export"
    # Small shards: pairs whose samples lie in two of them.
    return coded_export(
        folder, kind=request.param, prompts=chains(12), valid=0.25, shard_bytes=20_000
    )


@pytest.mark.parametrize("with_speech", [False, True])
def test_examples_are_as_long_as_they_were_counted(export: Path, with_speech: bool) -> None:
    examples = EditExamples(export, TOKENIZER, COMPACT, with_speech=with_speech)
    spoken = examples.read(range(len(examples)))
    assert [len(one.example.ids) for one in spoken] == examples.lengths.tolist()
    assert [int(one.example.is_target.sum()) for one in spoken] == examples.targets.tolist()
    assert sum(examples.counts) == len(examples)
    cells = [examples.cells[number].emotion for number in examples.cell_of]
    assert cells == [one.record["emotion"] for one in spoken]


def test_an_edit_is_its_source_the_tag_and_what_becomes_of_it(export: Path) -> None:
    examples = EditExamples(export, TOKENIZER, COMPACT)
    found = {one.example.ids.tobytes() for one in examples.read(range(len(examples)))}
    pairs = list(EditPairs.open(export))
    assert len(found) == len(pairs) == len(examples)
    names = {str(edit): edit for edit in examples.edits}
    assert set(names) == {"joy+1", "joy-1", "rap+1", "rap-1", "speed+1", "speed-1"}
    for pair in pairs:
        prompt = speech_prompt(
            TOKENIZER,
            COMPACT,
            edit_words(names[pair["edit"]]) + pair["text"],
            system="",
            reference=Reference(pair["text"], np.asarray(pair["source"])),
        )
        answer = COMPACT.ids_of(pair["edited"])
        assert np.concatenate([prompt, answer, [3]]).tobytes() in found


def test_both_are_the_edits_and_the_texts(export: Path) -> None:
    both, edits, speech = (
        open_examples(task, export, TOKENIZER, COMPACT) for task in ("both", "edit", "speech")
    )
    assert isinstance(speech, SpokenExamples)
    together = [one.example.ids.tobytes() for one in both.read(range(len(both)))]
    apart = [
        one.example.ids.tobytes() for part in (edits, speech) for one in part.read(range(len(part)))
    ]
    assert sorted(together) == sorted(apart)


def test_an_export_without_neighbouring_levels_is_refused(tmp_path: Path) -> None:
    export = coded_export(tmp_path / "export", 6, valid=0.0)
    with pytest.raises(UsageError, match="no speech is an edit of other speech"):
        EditExamples(export, TOKENIZER, COMPACT)


def test_an_edit_has_no_room_for_another_reference(export: Path) -> None:
    examples = EditExamples(export, TOKENIZER, COMPACT)
    with pytest.raises(UsageError, match="reference_share"):
        Packs(examples, COMPACT, BatchSettings(reference_share=0.5), 512)


def test_each_edit_hides_a_share_of_its_own_and_its_source_stands_whole(tmp_path: Path) -> None:
    prompts = [replace(one, text=f"{one.text} again") for one in chains(20)]
    export = coded_export(tmp_path / "export", prompts=prompts, valid=0.0, groups=12)
    examples = EditExamples(export, TOKENIZER, COMPACT)
    long = [Item(number, 0) for number in np.flatnonzero(examples.targets > 40).tolist()]
    packs = Packs(examples, COMPACT, BatchSettings(history_masking=0.25, pack_tokens=512), 512)
    shares = []
    for item in long:
        (spoken,) = examples.read([item.sample])
        batch = packs.batch([(0, [item])])
        seen = batch.ids[0, : len(spoken.example.ids)].numpy()
        is_answer = spoken.example.is_target
        assert (seen[~is_answer] == spoken.example.ids[~is_answer]).all()
        shares.append(float((seen[is_answer] == PAD).mean()))
    assert len(shares) > 50
    assert min(shares) < 0.05 and max(shares) > 0.4
    assert np.mean(shares) == pytest.approx(0.25, abs=0.05)


def test_texts_beside_edits_hide_the_share_that_is_set(tmp_path: Path) -> None:
    """A text has no source that would stand whole, so there is nothing to tell its holes from."""
    export = coded_export(tmp_path / "export", prompts=chains(20), valid=0.0, groups=12)
    examples = EditExamples(export, TOKENIZER, COMPACT, with_speech=True)
    packs = Packs(examples, COMPACT, BatchSettings(history_masking=0.5, pack_tokens=512), 512)
    shares: dict[bool, list[float]] = {True: [], False: []}
    for number in np.flatnonzero(examples.targets > 40).tolist():
        (spoken,) = examples.read([number])
        seen = packs.batch([(0, [Item(number, 0)])]).ids[0, : len(spoken.example.ids)].numpy()
        hidden = float((seen[spoken.example.is_target] == PAD).mean())
        shares[examples.is_edit(number)].append(hidden)
    assert len(shares[False]) > 25 and len(shares[True]) > 50
    assert np.std(shares[False]) < 0.1 < np.std(shares[True])
    assert np.mean(shares[False]) == pytest.approx(0.5, abs=0.05)


def test_of_an_edit_no_more_than_half_can_be_hidden(export: Path) -> None:
    examples = EditExamples(export, TOKENIZER, COMPACT)
    with pytest.raises(UsageError, match=r"history_masking is 0\.6, .* set it to 0\.5 or less"):
        Packs(examples, COMPACT, BatchSettings(history_masking=0.6), 512)


def test_what_no_teacher_answered_is_learnt_from_codes_alone() -> None:
    with pytest.raises(UsageError, match="as no teacher has answered to edits"):
        TrainSettings("export", "run", task="edit", loss=LossSettings(kind="forward_kl"))
    with pytest.raises(UsageError, match="speech or edit or both"):
        TrainSettings("export", "run", task="sing")


def test_a_student_learns_to_edit_and_to_take_it_back(tmp_path: Path) -> None:
    manners = ({}, {"emotion": "joy", "emotion_level": 1})
    export = coded_export(tmp_path / "export", prompts=chains(2, manners), valid=0.0, groups=2)
    settings = settings_of(
        export,
        tmp_path / "run",
        midget(tmp_path / "init"),
        task="edit",
        steps=150,
        dropout=0.0,
        learning_rate=1e-2,
        batches=BatchSettings(batch_tokens=512, micro_tokens=512),
    )
    train(settings)
    model, facts = load_model(tmp_path / "run" / "student")
    assert facts["edits"] == ["joy+1", "joy-1"]
    assert facts["cells"] == [], "it has learnt to say nothing"
    pairs = list(EditPairs.open(export))
    prompts = [
        speech_prompt(
            TOKENIZER,
            COMPACT,
            edit_words(Edit("joy", 1 if pair["edit"] == "joy+1" else -1)) + pair["text"],
            system="",
            reference=Reference(pair["text"], np.asarray(pair["source"])),
        )
        for pair in pairs
    ]
    said = generate(
        model, prompts, model.config.vocabulary, Sampling(temperature=0), seeds=[0] * len(prompts)
    )
    assert [one.codes.tolist() for one in said] == [pair["edited"] for pair in pairs]


def test_a_run_goes_on_with_its_task_alone(tmp_path: Path) -> None:
    export = coded_export(tmp_path / "export", prompts=chains(4), valid=0.0)
    run, init = tmp_path / "run", midget(tmp_path / "init")
    train(settings_of(export, run, init, task="edit", steps=2, save_every=1))
    with pytest.raises(UsageError, match="task"):
        train(settings_of(export, run, init, task="both", steps=3, save_every=1))
    log = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert json.loads(log[-1])["step"] == 2


def test_held_out_edits_are_evaluated(tmp_path: Path) -> None:
    export = coded_export(tmp_path / "export", prompts=chains(12), valid=0.25)
    init = midget(tmp_path / "init")
    result = train(
        settings_of(export, tmp_path / "run", init, task=Task.BOTH, steps=2, evaluate_every=2)
    )
    assert result.best is not None
