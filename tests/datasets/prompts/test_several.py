"""Texts of several places stand together, each for its languages."""

import pyarrow as pa
import pytest

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.builtin_set import builtin_texts
from lauter.datasets.prompts.phrases import phrase_texts
from lauter.datasets.prompts.several import several_texts
from lauter.datasets.prompts.table import TEXT_SCHEMA


def test_each_part_gives_the_texts_of_its_languages() -> None:
    phrases, builtin = phrase_texts(count=7), builtin_texts(kinds=["question"])
    parts = [{"texts": phrases, "languages": ["en"]}, {"texts": builtin, "languages": ["zh", "ja"]}]
    texts = several_texts(parts)
    assert texts.schema.names == TEXT_SCHEMA.names
    counts = texts.group_by("language").aggregate([("text", "count")]).to_pylist()
    assert {row["language"]: row["text_count"] for row in counts} == {"en": 7, "zh": 22, "ja": 22}


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ([], "is empty"),
        ([{"texts": TEXT_SCHEMA.empty_table()}], "has no languages"),
        ([{"texts": TEXT_SCHEMA.empty_table(), "languages": ["en"]}], "has no text in en"),
    ],
)
def test_a_part_that_gives_nothing_is_refused(
    parts: list[dict[str, pa.Table]], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        several_texts(parts)
