"""`lauter speak`, asked as a user asks: sounds are written, and faults are sentences."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from asking import Ask
from taught_student import SPEAKER, TAUGHT, write_taught_student, write_untrained_codec

from lauter.datasets.marking import Synthetic, marks_of
from lauter.orchestration.loading import load_settings

GREEDY = "speaking.temperature=0"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("speak")
    write_taught_student(folder / "student", write_untrained_codec(folder / "codec"))
    return folder


@pytest.fixture
def words(place: Path) -> list[str]:
    return ["speak", f"student={place / 'student'}", f"codec.folder={place / 'codec'}", GREEDY]


def test_a_text_becomes_a_sound(ask: Ask, words: list[str], tmp_path: Path) -> None:
    out = tmp_path / "new" / "one.wav"
    answer = ask(*words, "speaking.text=one", f"speaking.out={out}")
    assert answer.code == 0, answer.err
    samples, sample_rate = soundfile.read(out)
    assert sample_rate == 24_000 and len(samples) == len(TAUGHT["one"]) // 5 * 2880
    assert f"{out}  0.36 s: one" in answer.out and "each second in" in answer.out
    again = tmp_path / "again.wav"
    ask(*words, "speaking.text=one", f"speaking.out={again}")
    assert again.read_bytes() == out.read_bytes()
    marks = marks_of(out.read_bytes())
    assert marks is not None and marks.synthetic == Synthetic.YES
    assert (marks.teacher, marks.voice) == ("student", SPEAKER)


def test_a_file_of_texts_becomes_a_folder_of_sounds(
    ask: Ask, words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "texts.txt").write_text("one\n\ngreeting\ttwo three\n")
    out = tmp_path / "sounds"
    answer = ask(*words, f"speaking.texts={tmp_path / 'texts.txt'}", f"speaking.out={out}")
    assert answer.code == 0, answer.err
    assert sorted(path.name for path in out.iterdir()) == ["0001.wav", "greeting.wav"]
    assert soundfile.info(out / "greeting.wav").frames == len(TAUGHT["two three"]) // 5 * 2880


def test_what_has_no_end_is_written_and_is_exit_code_3(
    ask: Ask, words: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "one.wav"
    answer = ask(*words, "speaking.text=one", f"speaking.out={out}", "speaking.max_codes=5")
    assert answer.code == 3
    assert "1 of 1 texts were not said to their end (no end); try another seed" in answer.err
    assert soundfile.info(out).frames == 2880


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["speaking.dialect=en-GB"], "no speech of the dialect en-GB; set speaking.dialect to en-"),
        (
            ["speaking.emotion=anger", "speaking.emotion_level=2"],
            "no speech of the emotion anger; set speaking.emotion to joy or neutral",
        ),
    ],
)
def test_a_dialect_or_emotion_that_it_never_heard_is_refused(
    ask: Ask, place: Path, tmp_path: Path, more: list[str], sentence: str
) -> None:
    cells = [
        {"language": "en", "dialect": "en-US", "emotion": emotion} for emotion in ("neutral", "joy")
    ]
    write_taught_student(tmp_path / "student", place / "codec", cells=cells)
    words = ["speak", f"student={tmp_path / 'student'}", f"codec.folder={place / 'codec'}"]
    out = tmp_path / "one.wav"
    answer = ask(*words, "speaking.text=one", f"speaking.out={out}", *more)
    assert answer.code == 2 and sentence in answer.err and not out.exists()


@pytest.mark.slow
def test_the_best_of_several_tries_is_chosen_by_the_recogniser(
    ask: Ask, words: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "one.wav"
    answer = ask(*words, "speaking.text=one", f"speaking.out={out}", "speaking.best_of=2")
    assert answer.code == 0, answer.err
    assert "CER" in answer.out and "(seed 0)" in answer.out and out.exists()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ([], "nothing to say is named; set speaking.text"),
        (["speaking.text=one", "speaking.texts=file"], "are both set; set one"),
        (["speaking.text='  '"], "the text is empty"),
        (["speaking.text=one", "speaking.out=one.mp3"], "name a .wav file"),
        (["speaking.text=one", "speaking.dialect=klingon"], "is 'klingon'; choose en-US"),
        (["speaking.text=one", "speaking.emotion=joy"], "emotion_level is 0 with joy; set 1 to 5"),
        (["speaking.text=one", "speaking.emotion_level=2"], "is 2 with neutral; set 0"),
        (["speaking.text=one", "speaking.speed_level=9"], "set -5 to 5"),
        (["speaking.text=one", "speaking.speaker=Eve"], "does not know the voice 'Eve'"),
        (["speaking.text=one", "speaking.top_p=0"], "top_p is 0.0; set a share above 0"),
        (["speaking.text=one", "speaking.best_of=0"], "speaking.best_of is 0; set 1 or more"),
        (["speaking.text=one", "speaking.device=abacus"], "there is no device 'abacus' here"),
        (["speaking.text=one", "speaking.reference=nowhere.wav"], "nowhere.wav: No such file"),
        (["speaking.text=one", "speaking.reference_text=two"], "set speaking.reference as well"),
        (["speaking.text=one", "speaking.out=/proc/one.wav"], "/proc/one.wav cannot be written"),
        (["speaking.text=???"], "says nothing; write words"),
        (["speaking.texts=nowhere.txt"], "nowhere.txt: No such file"),
        (["speaking.text=one", "codec.folder=nowhere"], "nowhere is no codec"),
        (["speaking.text=one", "student=nowhere"], "nowhere is no student"),
        (["speaking.text=one", "student=null"], "no student is named"),
    ],
)
def test_what_cannot_be_done_is_told(
    ask: Ask, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    more: list[str], sentence: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    answer = ask(*words, *more)
    assert answer.code == 2
    assert sentence in answer.err


@pytest.mark.parametrize(
    "text",
    [
        "Call Maria, please.", "It's ten: go!", 'Room (12) "on" the [left]', "${student} costs {5}",
        "a=b", "'a' and 'b'", '"Yes," she said, "no."', r"\${x}", r"a \\${student}",
        "two\nlines", "back\\slash", "ends with \\", "'", "12", "true", "*.wav & #1",
        "你好，世界。",
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["text", "reference_text"])
def test_a_text_is_taken_as_it_stands(key: str, text: str) -> None:
    assert load_settings([f"speaking.{key}={text}"]).speaking[key] == text


def test_a_text_may_stand_in_quotes_of_its_own() -> None:
    for word in ("speaking.text='Call Maria, please.'", 'speaking.text="Call Maria, please."'):
        assert load_settings([word]).speaking.text == "Call Maria, please."
    assert load_settings(["speaking.text=null"]).speaking.text is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "holds no texts"),
        (b"\xff\xfe\x00", "is no text in UTF-8"),
        (b"../up\tone", "line 1 of .* has the name '../up', which makes no file name"),
        (b"a\tone\na\ttwo", "has two texts of the name 'a'"),
    ],
)
def test_a_file_of_texts_with_a_fault_is_told(
    ask: Ask, words: list[str], tmp_path: Path, content: bytes, sentence: str
) -> None:
    (tmp_path / "texts.txt").write_bytes(content)
    answer = ask(*words, f"speaking.texts={tmp_path / 'texts.txt'}", f"speaking.out={tmp_path}")
    assert answer.code == 2
    assert re.search(sentence, answer.err)


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (None, "reference .* is empty"),
        (np.zeros(48_000), "reference recording is silent"),
        (np.full(2400, 0.1), "reference recording lasts 0.10 s; give at least 0.5 s"),
    ],
)
def test_a_reference_that_is_no_speech_is_told(
    ask: Ask, words: list[str], tmp_path: Path, samples: np.ndarray | None, sentence: str
) -> None:
    file = tmp_path / "reference.wav"
    if samples is None:
        file.write_bytes(b"")
    else:
        soundfile.write(file, samples, 24_000)
    answer = ask(*words, "speaking.text=one", f"speaking.reference={file}")
    assert answer.code == 2
    assert re.search(sentence, answer.err)
