"""Chains begin where an edit begins, go as far as a teacher went, and are of one text each."""

from pathlib import Path

import pytest
from coded_export import coded_export
from edit_chains import chains

from lauter.datasets.edits import Edit
from lauter.datasets.errors import UsageError
from lauter.pipelines.edit_chains import EditStep, chains_of_export

MANNERS = (
    {},
    {"emotion": "joy", "emotion_level": 1},
    {"emotion": "joy", "emotion_level": 2},
    {"emotion": "joy", "emotion_level": 3},
    {"speed_level": 1},
    {"speed_level": -1},
    {"style": "rap"},
)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chains") / "export"
    return coded_export(folder, prompts=chains(20, MANNERS), valid=0.4)


def levels(chain: list[EditStep]) -> list[tuple[str, int, int]]:
    prompts = [step.request.prompt for step in chain]
    return [(one.emotion, one.emotion_level, one.speed_level) for one in prompts]


def test_an_edit_goes_from_neutral_on_and_its_inverse_comes_back(export: Path) -> None:
    expected = {
        "joy+1": [("neutral", 0, 0), ("joy", 1, 0), ("joy", 2, 0), ("joy", 3, 0)],
        "joy-1": [("joy", 3, 0), ("joy", 2, 0), ("joy", 1, 0), ("neutral", 0, 0)],
        "speed+1": [("neutral", 0, 0), ("neutral", 0, 1)],
        "speed-1": [("neutral", 0, 0), ("neutral", 0, -1)],
    }
    found = chains_of_export(export, split="valid", times=5)
    assert {str(chain[0].edit) for chain in found} == set(expected), "rap moves no measure"
    for chain in found:
        assert levels(chain) == expected[str(chain[0].edit)]
        assert [step.number for step in chain] == list(range(len(chain)))
        assert {step.request.prompt.text for step in chain} == {chain[0].request.prompt.text}
        assert all(step.source is chain[0] for step in chain)
        assert [step.before for step in chain] == [None, *chain[:-1]]


def test_all_steps_of_a_chain_sound_in_one_voice(export: Path) -> None:
    for chain in chains_of_export(export, split="valid", times=5):
        voices = {step.reference.encoded if step.reference else None for step in chain}
        assert len(voices) == 1 and None not in voices


def test_as_few_passes_texts_and_edits_as_asked(export: Path) -> None:
    joy = [Edit("joy", 1)]
    found = chains_of_export(export, split="valid", times=2, edits=joy, count=3)
    assert [len(chain) for chain in found] == [3, 3, 3]


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [(Edit("rap", 1), "nothing measures how far"), (Edit("anger", 1), "has no chain of anger")],
)
def test_what_cannot_be_evaluated_is_said(export: Path, edit: Edit, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        chains_of_export(export, split="valid", times=2, edits=[edit])
