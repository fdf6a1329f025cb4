from pathlib import Path

import pytest

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.wordnet import wordnet_texts

LINE = "00001740 03 n 01 thing 0 000 | what is there; {}\n"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    for name in ("adj", "adv", "noun", "verb"):
        examples = f'"the {name} stood in the garden; "; "too short"; "it cost 20 dollars in all"'
        (tmp_path / f"data.{name}").write_text(LINE.format(examples))
    return tmp_path


def test_examples_become_sentences(database: Path) -> None:
    texts = wordnet_texts(str(database), count=4)

    assert sorted(texts["text"].to_pylist()) == [
        f"The {name} stood in the garden." for name in ("adj", "adv", "noun", "verb")
    ]
    assert set(texts["language"].to_pylist()) == {"en"}


def test_a_greater_count_only_adds(database: Path) -> None:
    few, more = (
        wordnet_texts(str(database), count=count, seed=3)["text"].to_pylist() for count in (2, 4)
    )

    assert more[:2] == few


def test_more_than_there_are_is_refused(database: Path) -> None:
    with pytest.raises(UsageError, match="has 4 sentences to say; set 1 to 4"):
        wordnet_texts(str(database), count=5)


def test_a_place_without_wordnet_is_answered_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="apt install wordnet-base"):
        wordnet_texts(str(tmp_path))
