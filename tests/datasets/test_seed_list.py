"""Lists in the form of SEED-TTS's evaluation sets: read whole, or refused by line."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.audio import encode_flac
from lauter.datasets.errors import UsageError
from lauter.datasets.seed_list import read_seed_list

RATE = 16_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tone = (0.3 * np.sin(np.arange(RATE) / 20)).astype(np.float32)
    sounds = {"a": tone, "b": tone[: RATE // 2], "short": tone[:1600], "silent": 0 * tone}
    (tmp_path / "wavs").mkdir()
    for name, samples in sounds.items():
        (tmp_path / "wavs" / f"{name}.wav").write_bytes(encode_flac(samples, RATE))
    (tmp_path / "wavs" / "empty.wav").write_bytes(b"")
    (tmp_path / "wavs" / "text.wav").write_text("no sound at all")
    return tmp_path


def written(folder: Path, *lines: str) -> Path:
    file = folder / "meta.lst"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_lines_become_entries_and_a_ground_truth_may_be_there(folder: Path) -> None:
    first, second = read_seed_list(
        written(
            folder,
            "\ufeff1-2|We met.|wavs/a.wav|Where is the ferry?",
            "",
            "2-2 | 你好。 | wavs/a.wav | 桥下的水很清。 | wavs/b.wav",
        )
    )
    assert (first.key, first.prompt_text, first.text) == ("1-2", "We met.", "Where is the ferry?")
    assert first.prompt.duration_s == 1.0 and first.ground_truth is None
    assert (second.key, second.text) == ("2-2", "桥下的水很清。")
    assert second.ground_truth is not None and second.ground_truth.duration_s == 0.5


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("2|only|three", "line 2 of .* has 3 fields and not 4 or 5"),
        ("2|a|wavs/a.wav|b|wavs/a.wav|c", "has 6 fields"),
        ("|hello|wavs/a.wav|b", "line 2 of .* has no id"),
        ("2||wavs/a.wav|b", "has no prompt text"),
        ("2|hello|wavs/a.wav| ", "has no target text"),
        ("2|hello|wavs/none.wav|b", "names the prompt 'wavs/none.wav', which is not beside"),
        ("2|hello||b", "names the prompt ''"),
        ("2|hello|wavs|b", "names the prompt 'wavs'"),
        ("2|hello|wavs/a.wav|b|wavs/none.wav", "names the ground truth 'wavs/none.wav'"),
        ("2|hello|wavs/empty.wav|b", "empty.wav of line 2 .*cannot be decoded"),
        ("2|hello|wavs/text.wav|b", "text.wav of line 2 .*cannot be decoded"),
        ("2|hello|wavs/short.wav|b", "is only 0.10 s long"),
        ("2|hello|wavs/silent.wav|b", "is silent"),
        ("1|hello|wavs/a.wav|b", "has the id '1' 2 times"),
    ],
)
def test_a_bad_line_is_one_sentence_that_names_it(folder: Path, line: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read_seed_list(written(folder, "1|hello|wavs/a.wav|target", line))


def test_a_list_that_is_none_is_one_sentence(folder: Path) -> None:
    with pytest.raises(UsageError, match="there is no list at"):
        read_seed_list(folder / "none.lst")
    with pytest.raises(UsageError, match="has no lines"):
        read_seed_list(written(folder, "", "  "))
    (folder / "latin.lst").write_bytes("1|café|a.wav|b".encode("latin-1"))
    with pytest.raises(UsageError, match="is not in UTF-8"):
        read_seed_list(folder / "latin.lst")


@given(st.text(max_size=60))
def test_any_text_is_entries_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.lst"
    file.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(UsageError):
        read_seed_list(file)  # no such text names a recording
