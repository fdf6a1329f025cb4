"""Texts are read from every form of file, and what cannot be read is refused in a sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from unicodedata import normalize

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.check import sift
from lauter.datasets.prompts.file import file_texts
from lauter.datasets.prompts.table import TEXT_SCHEMA

SENTENCES = ["The kettle is on.", 'She said "no", twice.', "水已经烧开了。", "1984", "NA"]
LANGUAGES = ["en", "en", "zh", "en", "en"]


def write(folder: Path, name: str, content: str) -> str:
    file = folder / name
    file.write_text(content, encoding="utf-8", newline="")
    return str(file)


def quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def separated(folder: Path, name: str, delimiter: str) -> str:
    lines = [
        delimiter.join([language, quoted(text)])
        for text, language in zip(SENTENCES, LANGUAGES, strict=True)
    ]
    return write(folder, name, "\n".join([f"language{delimiter}text", *lines]) + "\n")


def as_jsonl(folder: Path) -> str:
    rows = zip(SENTENCES, LANGUAGES, strict=True)
    lines = [json.dumps({"language": code, "n": 1, "text": text}) for text, code in rows]
    return write(folder, "texts.jsonl", "\n".join(lines))


def table() -> pa.Table:
    return pa.table({"other": range(5), "text": SENTENCES, "language": LANGUAGES})


def as_parquet(folder: Path) -> str:
    pa.parquet.write_table(table(), folder / "texts.parquet")
    return str(folder / "texts.parquet")


def as_parquet_folder(folder: Path) -> str:
    (folder / "set" / "data").mkdir(parents=True)
    pa.parquet.write_table(table()[:2], folder / "set/data/train-00000-of-00002.parquet")
    # Another writer's types and columns: the texts are the same.
    rest = (
        table()[2:]
        .drop_columns("other")
        .cast(pa.schema([("text", pa.large_string()), ("language", pa.large_string())]))
    )
    pa.parquet.write_table(rest, folder / "set/data/train-00001-of-00002.parquet")
    return str(folder / "set")


def as_saved_dataset(folder: Path) -> str:
    import datasets  # Hugging Face's

    dataset = datasets.Dataset.from_dict({"text": SENTENCES[:1], "language": LANGUAGES[:1]})
    dataset.save_to_disk(folder / "set", num_shards=1)
    dataset = datasets.Dataset.from_dict({"text": SENTENCES, "language": LANGUAGES})
    dataset.save_to_disk(folder / "set", num_shards=2)  # over the first, whose file stays
    return str(folder / "set")


def as_saved_splits(folder: Path) -> str:
    import datasets  # Hugging Face's

    splits = {"a": table()[:3].to_pydict(), "b": table()[3:].to_pydict()}
    datasets.DatasetDict(
        {name: datasets.Dataset.from_dict(columns) for name, columns in splits.items()}
    ).save_to_disk(folder / "set")
    return str(folder / "set")


FORMS: dict[str, Callable[[Path], str]] = {
    "CSV": lambda folder: separated(folder, "texts.csv", ","),
    "TSV": lambda folder: separated(folder, "texts.TSV", "\t"),
    "JSON lines": as_jsonl,
    "Parquet": as_parquet,
    "a folder of Parquet": as_parquet_folder,
    "a saved dataset": as_saved_dataset,
    "a saved dictionary of datasets": as_saved_splits,
}


@pytest.mark.parametrize("form", FORMS)
def test_texts_come_back_as_they_were_written(tmp_path: Path, form: str) -> None:
    path = FORMS[form](tmp_path)
    texts = file_texts(path, licence="CC0-1.0")
    assert texts.schema.equals(TEXT_SCHEMA)
    assert texts["text"].to_pylist() == SENTENCES
    assert texts["language"].to_pylist() == LANGUAGES
    assert texts["row"].to_pylist() == [1, 2, 3, 4, 5]
    assert set(texts["text_source"].to_pylist()) == {Path(path).name}
    assert set(texts["text_licence"].to_pylist()) == {"CC0-1.0"}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_plain_file_has_a_text_a_line_and_its_rows_are_its_lines(
    tmp_path: Path, end: str
) -> None:
    path = write(
        tmp_path, "texts.txt", end.join(["\ufeffOne.", "", "Two.", "  ", "Three.\x1c", ""])
    )
    texts = file_texts(path, language="en")
    assert texts["text"].to_pylist() == ["One.", "Two.", "Three.\x1c"]
    assert texts["row"].to_pylist() == [1, 3, 5]
    assert set(texts["language"].to_pylist()) == {"en"}
    assert "control" in sift(texts, max_characters=400)[1]["refusal"].to_pylist()[0]


lines = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufeff"),
    min_size=1,
).filter(str.strip)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(lines, max_size=5))
def test_no_line_is_lost_or_changed_but_into_nfc(tmp_path: Path, texts: list[str]) -> None:
    path = write(tmp_path, "texts.txt", "\n".join(texts))
    read = file_texts(path, language="ja")["text"].to_pylist()
    assert read == [normalize("NFC", text) for text in texts]


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    path = write(tmp_path, "x.jsonl", '{"line": "Ja.", "text": "No.", "lang": "ja", "n": 3}\n')
    row = file_texts(path, text_column="line", language_column="lang").to_pylist()[0]
    assert (row["text"], row["language"]) == ("Ja.", "ja")


def test_a_language_left_out_is_the_one_that_was_set(tmp_path: Path) -> None:
    rows = '{"text": "Yes."}\n{"text": "好。", "language": "zh"}\n{"text": "A", "language": ""}\n'
    path = write(tmp_path, "texts.jsonl", rows)
    assert file_texts(path, language="en")["language"].to_pylist() == ["en", "zh", "en"]


def test_bad_rows_are_read_and_then_refused_with_their_number(tmp_path: Path) -> None:
    rows = [
        {"text": "Good morning.", "language": "en"},
        {"text": None, "language": "en"},
        {"text": "word " * 500, "language": "en"},
        {"text": "Good\x07 morning.", "language": "en"},
        {"text": "?!…", "language": "en"},
        {"text": "今日は雨です。", "language": "en"},
        {"text": "Bonjour.", "language": "fr"},
        {"text": "See you."},
        {"text": "Good night.", "language": "en"},
    ]
    path = write(tmp_path, "texts.jsonl", "\n".join(map(json.dumps, rows)))
    good, refused = sift(file_texts(path), max_characters=400)
    assert good["row"].to_pylist() == [1, 9]
    unknown = "the language of the text is none of en, zh, ja, ko; correct it"
    assert refused["refusal"].to_pylist() == [
        "the text is empty; give it words or drop the prompt (texts.jsonl, row 2)",
        "the text has more than 400 characters; split it into sentences (texts.jsonl, row 3)",
        "the text has control or replacement characters; clean it at its source "
        "(texts.jsonl, row 4)",
        "the text has no letter and no digit, only punctuation; give it words (texts.jsonl, row 5)",
        "the text is not written in Latin letters, as its language 'en' is; "
        "correct the language or the text (texts.jsonl, row 6)",
        f"{unknown} (texts.jsonl, rows 7 and 8)",
        f"{unknown} (texts.jsonl, rows 7 and 8)",
    ]


def refused(path: Path | str, **options: str) -> str:
    with pytest.raises(UsageError) as caught:
        file_texts(str(path), **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_no_file_is_named() -> None:
    assert "name it: prompts.path=texts.jsonl" in refused("")


def test_there_is_no_such_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "nothing.csv").startswith("there is no file")


def test_an_unknown_language_is_set(tmp_path: Path) -> None:
    path = write(tmp_path, "texts.txt", "Bonjour.")
    assert (
        refused(path, language="fr") == "prompts.language is 'fr'; set it to one of en, zh, ja, ko"
    )


def test_nothing_says_the_language(tmp_path: Path) -> None:
    path = write(tmp_path, "texts.txt", "Bonjour.")
    assert refused(path).endswith(
        "texts.txt does not say its language; set prompts.language to one of en, zh, ja, ko"
    )


def test_the_column_of_texts_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path, "texts.csv", "language,sentence\nen,Yes.\n")
    assert refused(path).endswith(
        "texts.csv has no column 'text'; it has language, sentence: set prompts.text_column"
    )


JSONL, CSV = "JSON, an object a line", "CSV with a header"


@pytest.mark.parametrize(
    ("name", "content", "form", "reason"),
    [
        ("texts.jsonl", b'{"text": "Yes."}\n\n{"text": "N', JSONL, "line 3: Unterminated string"),
        ("texts.jsonl", b'{"text": "Yes."}\n"No."\n', JSONL, "line 2 is no object"),
        ("texts.jsonl", b'{"text": "Yes."}\n{"text": ["No."]}\n', JSONL, "line 2: 'text' is no"),
        ("texts.json", b'[{"text": "Yes.", "language": "en"}]', JSONL, "line 1 is no object"),
        ("texts.jsonl", b"\n", JSONL, "it is empty"),
        ("texts.jsonl", b'{"text": "\xff\xfe", "language": "en"}\n', JSONL, "can't decode byte"),
        ("texts.csv", b"text,language\nYes.,en\nNo\n", CSV, "Expected 2 columns, got 1"),
        ("texts.csv", b"text,language\n\xff,en\n", CSV, "invalid UTF8 data"),
        ("texts.tsv", b'text\tlanguage\n"Yes.\ten\nNo.\ten\n', "TSV with a header", "2 columns"),
        ("texts.parquet", b"PAR1 and no more", "Parquet", "magic bytes not found"),
        ("texts.txt", "Schön.".encode("latin-1"), "text", "can't decode byte"),
    ],
)
def test_a_file_is_not_what_its_name_says(
    tmp_path: Path, name: str, content: bytes, form: str, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    message = refused(tmp_path / name, language="en")
    assert message.startswith(f"{tmp_path / name} cannot be read as {form}: ")
    assert reason in message
    assert message.endswith("; mend the file or name another")


def test_rows_of_json_are_lines_and_numbers_are_texts(tmp_path: Path) -> None:
    path = write(tmp_path, "texts.jsonl", '{"text": "One."}\n\n{"n": {}, "text": 1984}\n')
    texts = file_texts(path, language="en")
    assert texts.select(["text", "row"]).to_pylist() == [
        {"text": "One.", "row": 1},
        {"text": "1984", "row": 3},
    ]


def test_a_folder_that_is_no_dataset(tmp_path: Path) -> None:
    assert "holds no Parquet or Arrow dataset" in refused(tmp_path)


def test_a_saved_dataset_without_one_of_its_files(tmp_path: Path) -> None:
    folder = Path(as_saved_dataset(tmp_path))
    next(folder.glob("data-00001-of-00002.arrow")).unlink()
    assert "set cannot be read as a saved dataset" in refused(folder)


def test_what_a_text_was_written_for_and_where_it_came_from_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    rows = [
        {"text": "How lovely!", "language": "en", "emotion": "joy", "emotion_level": 2}
        | {"dialect": "en-GB", "text_source": "writer", "text_licence": "CC0-1.0"},
        {"text": "It rains.", "language": "en", "emotion": None, "text_source": ""},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    lovely, rains = file_texts(str(file), licence="CC-BY-4.0").to_pylist()
    assert (lovely["emotion"], lovely["emotion_level"], lovely["dialect"]) == ("joy", "2", "en-GB")
    assert (lovely["text_source"], lovely["text_licence"]) == ("writer", "CC0-1.0")
    assert (rains["emotion"], rains["dialect"]) == ("", "")
    assert (rains["text_source"], rains["text_licence"]) == ("texts.jsonl", "CC-BY-4.0")


def test_an_emotion_that_there_is_not_is_named(tmp_path: Path) -> None:
    file = tmp_path / "texts.csv"
    file.write_text("text,language,emotion\nHow lovely!,en,happiness\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"has the emotion 'happiness'.*joy"):
        file_texts(str(file))
