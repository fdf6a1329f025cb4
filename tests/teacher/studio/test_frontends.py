"""Front ends: phonemes that Kokoro knows, or a sentence that names what cannot be read."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.datasets.weights import find
from lauter.teacher.studio.frontends import open_frontend

ALPHABET = set(json.loads(find("kokoro-vocabulary").read_text())["vocab"])
DIALECTS = ("en-US", "en-GB", "cmn", "ja-JP")
SIGNS = "0123456789 .,;:!?-~/%$¥€£°℃…—'\"()[]&@#+=*<>^|_`§½²"
LETTERS = "abcXYZéß我你年月日点万两〇嗯行重説，。、《》あきっょんーアヴュ々・Ω안🙂\u0301\u200b"


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(deadline=None, max_examples=60)
@example(text="𑓐")  # a digit, but none of ours
@given(text=st.text(st.sampled_from(SIGNS + LETTERS) | st.characters(codec="utf-8"), max_size=12))
def test_any_text_gives_known_phonemes_or_a_refusal(dialect: str, text: str) -> None:
    try:
        phonemes = open_frontend(dialect)(text)
    except UsageError:
        return
    assert set(phonemes) <= ALPHABET
    assert any(phoneme.isalpha() for phoneme in phonemes)


@pytest.mark.parametrize(
    ("dialect", "text", "phonemes"),
    [
        ("en-US", "It costs $5.", "ˌɪt kˈɔsts fˈIv dˈɑləɹz."),
        ("en-GB", "A bath, please!", "ɐ bˈɑːθ, plˈiːz!"),
        ("en-US", "A bath, please!", "ɐ bˈæθ, plˈiz!"),
        ("cmn", "“你好”，他说。", "“ni↓xau↓”, tʰa→ ʂwo→."),
        ("cmn", "25.5℃", "ɚ↘ʂɨ↗u↓ tjɛ↓nu↓ ʂɤ↘ʂɨ↘tu↘"),
        ("cmn", "A股", "ˈA ku↓"),
        ("ja-JP", "20日に20%引き！", "haʦɨka ɲi ɲiʥɨʔpaːsento bʲikʲi!"),
        ("ja-JP", "東京（とうきょう）", "toːkʲoː (toːkʲoː)"),
        ("ja-JP", "CEOとAI", "ɕiːiːoː to ei ai"),
    ],
)
def test_a_text_is_read_as_its_speakers_read_it(dialect: str, text: str, phonemes: str) -> None:
    assert open_frontend(dialect)(text) == phonemes


@pytest.mark.parametrize(
    ("dialect", "text", "named"),
    [
        ("en-US", "He lives in 東京.", "東 京"),
        ("en-GB", "Two * three", "*"),
        ("en-US", "Good 🙂 morning", "🙂"),
        ("cmn", "안녕你好", "안 녕"),
        ("cmn", "你好♪", "♪"),
        ("ja-JP", "はい♪", "♪"),
        ("ja-JP", "안녕です", "안 녕"),
        ("ja-JP", "猫`犬", "`"),
    ],
)
def test_what_would_be_left_out_is_refused_by_name(dialect: str, text: str, named: str) -> None:
    with pytest.raises(UsageError) as refused:
        open_frontend(dialect)(text)
    assert f"the text contains '{named}'" in str(refused.value)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("text", ["", "  ", "…", "?!"])
def test_a_text_without_words_is_refused(dialect: str, text: str) -> None:
    with pytest.raises(UsageError, match="holds nothing that can be read aloud"):
        open_frontend(dialect)(text)


def test_reading_mandarin_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    open_frontend.cache_clear()
    open_frontend("cmn")("我们在车站见面。")
    assert capfd.readouterr() == ("", "")
