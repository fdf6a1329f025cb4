"""A sound file is there whole, with its mark, or not at all."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from lauter.datasets.errors import UsageError
from lauter.datasets.marking import Marks, Synthetic, marks_in
from lauter.orchestration.sound import write_wav

MARKS = Marks(Synthetic.YES, "r1", "student", "f00d", "ada")
SAMPLES = np.full(2400, 0.25, np.float32)


def test_a_wav_bears_its_mark_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", SAMPLES, 24_000, MARKS)
    assert marks_in(tmp_path / "a.wav") == MARKS
    samples, rate = soundfile.read(tmp_path / "a.wav")
    assert rate == 24_000 and samples == pytest.approx(SAMPLES)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.parametrize("name", ["folder", "file/a.wav", "nowhere/a.wav"])
def test_a_wav_that_cannot_be_written_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="cannot be written"):
        write_wav(tmp_path / name, SAMPLES, 24_000, MARKS)
    assert sorted(tmp_path.rglob("*")) == before
