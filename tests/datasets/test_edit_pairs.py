"""A pair is one text by one speaker, one step apart, and on one side of every split."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from coded_export import coded_export
from edit_chains import chains
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.codes import codes_from_text
from lauter.datasets.corpus import Corpus
from lauter.datasets.edit_pairs import EditPairs, pairs_as_lines, step_between
from lauter.datasets.edits import EDITED, Edit, edit_named
from lauter.datasets.errors import UsageError
from lauter.datasets.exported import ExportSummary
from lauter.datasets.lance_export import export_lance
from lauter.datasets.lineage import parent_of
from lauter.datasets.location import location_of
from lauter.datasets.records import Prompt
from lauter.datasets.shards import export_webdataset
from lauter.datasets.tags import Emotion, Style

TEXTS = 40


@pytest.fixture(scope="module", params=["webdataset", "lance"])
def export(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path_factory.mktemp("pairs") / "export"
    return coded_export(folder, kind=request.param, prompts=chains(TEXTS), valid=0.3)


@st.composite
def prompts(draw: st.DrawFn) -> Prompt:
    emotion = draw(st.sampled_from(list(Emotion)))
    return Prompt(
        "a text",
        "en",
        "en-US",
        emotion=emotion.value,
        emotion_level=0 if emotion == Emotion.NEUTRAL else draw(st.integers(1, 5)),
        style=draw(st.sampled_from([style.value for style in Style])),
        speed_level=draw(st.integers(-5, 5)),
        speaker="someone",
    )


@given(prompts())
def test_a_prompt_is_one_step_from_its_parent_and_the_step_back_is_its_inverse(
    prompt: Prompt,
) -> None:
    parent = parent_of(prompt)
    if parent is None:
        assert step_between(asdict(prompt), asdict(prompt)) is None
        return
    there, back = (
        step_between(asdict(before), asdict(after))
        for before, after in ((parent, prompt), (prompt, parent))
    )
    assert there is not None and back is not None
    assert there[0].inverse == back[0]
    assert there[1] == back[1] >= 1
    assert edit_named(str(there[0])) == there[0]


@given(prompts(), prompts())
def test_what_is_no_single_step_is_no_edit(one: Prompt, other: Prompt) -> None:
    step = step_between(asdict(one), asdict(other))
    related = parent_of(one) == other or parent_of(other) == one
    if related:
        assert step is not None
    elif step is not None:
        # One step, though not the last of them: such as joy under the same pace.
        again = step_between(asdict(other), asdict(one))
        assert again is not None and again[0] == step[0].inverse
    assert step_between(asdict(one), asdict(replace(other, text="another"))) is None
    assert step_between(asdict(one), asdict(replace(other, speaker="somebody"))) is None


@pytest.mark.parametrize("split", ["train", "valid"])
def test_pairs_say_one_text_in_one_voice_and_stand_in_one_split(export: Path, split: str) -> None:
    pairs = list(EditPairs.open(export, split))
    own = {prompt.text for prompt in chains(TEXTS)}
    texts = {pair["text"] for pair in pairs}
    assert texts < own and texts
    # Every text brings the same pairs: whole chains lie on one side.
    for text in texts:
        found = sorted((pair["edit"], pair["level"]) for pair in pairs if pair["text"] == text)
        assert found == [
            ("joy+1", 1), ("joy+1", 2), ("joy-1", 1), ("joy-1", 2), ("rap+1", 1), ("rap-1", 1),
            ("speed+1", 1), ("speed-1", 1),
        ]  # fmt: skip


def test_no_pair_reaches_over_a_split(export: Path) -> None:
    sides = [
        {
            pair[side]
            for pair in EditPairs.open(export, split)
            for side in ("source_id", "edited_id")
        }
        for split in ("train", "valid")
    ]
    assert not sides[0] & sides[1]
    assert len(sides[0] | sides[1]) == 5 * TEXTS


def test_codes_are_those_of_the_samples(tmp_path: Path) -> None:
    export = coded_export(tmp_path / "export", prompts=chains(3), valid=0.0)
    rows = pq.read_table(export / "samples.parquet").to_pylist()
    codes = {row["request_id"]: row["codes"] for row in rows}
    pairs = EditPairs.open(export)
    assert len(pairs) == 24
    for pair, line in zip(pairs, pairs_as_lines(pairs), strict=True):
        assert pair["source"] == codes[pair["source_id"]]
        assert pair["edited"] == codes[pair["edited_id"]]
        spelled = json.loads(line)
        assert codes_from_text(spelled["edited"]).tolist() == pair["edited"]
        assert spelled["edit"] == pair["edit"]


def test_speech_without_codes_is_said_so(tmp_path: Path) -> None:
    export = coded_export(tmp_path / "export", prompts=chains(2), valid=0.0, with_codes=False)
    with pytest.raises(UsageError, match="codec encode"):
        list(EditPairs.open(export))


@pytest.mark.parametrize("export_to", [export_webdataset, export_lance])
def test_pairs_without_codes_leave_no_export_behind(
    tmp_path: Path, export_to: Callable[..., ExportSummary]
) -> None:
    coded_export(tmp_path / "made", prompts=chains(2), valid=0.0, with_codes=False)
    corpus = Corpus.open(tmp_path / "made-corpus")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match="codec encode"):
        export_to(corpus, tmp_path / "export", edit_pairs=True)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("export_to", [export_webdataset, export_lance])
def test_pairs_are_written_with_an_export_and_replaced_with_it(
    tmp_path: Path, export_to: Callable[..., ExportSummary]
) -> None:
    coded_export(tmp_path / "made", prompts=chains(3), valid=0.0)
    corpus = Corpus.open(tmp_path / "made-corpus")
    first = export_to(corpus, tmp_path / "export", edit_pairs=True)
    lines = (tmp_path / "export" / "edit_pairs.train.jsonl").read_text().splitlines()
    assert first.edit_pairs == {"train": len(lines)} == {"train": 24}
    export_to(corpus, tmp_path / "export", overwrite=True)
    assert not list((tmp_path / "export").glob("edit_pairs.*"))


def test_pairs_are_written_into_a_store(tmp_path: Path) -> None:
    coded_export(tmp_path / "made", prompts=chains(2), valid=0.0)
    store = f"memory://{uuid4().hex}/export"
    for overwrite in (False, True):
        made = export_webdataset(
            Corpus.open(tmp_path / "made-corpus"), store, edit_pairs=True, overwrite=overwrite
        )
        lines = (location_of(store) / "edit_pairs.train.jsonl").read_bytes().splitlines()
        assert len(lines) == made.edit_pairs["train"] == 16


@pytest.mark.parametrize("word", ["joy", "joy+2", "neutral+1", "plain-1", "", "joy +1"])
def test_what_is_no_edit_is_refused_with_those_there_are(word: str) -> None:
    with pytest.raises(UsageError, match=EDITED[0]):
        edit_named(word)


def test_an_edit_is_written_as_it_is_read() -> None:
    assert str(Edit("sadness", -1)) == "sadness-1"
