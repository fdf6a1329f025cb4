"""Text as ids of the released checkpoints: laws of the guard, and models that are refused."""

import pickle
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor
from small_sentencepiece import KEPT, Kind, code_pieces, train, with_pieces

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import STEP_AUDIO
from lauter.datasets.text_tokens import ROLES
from lauter.teacher.step_audio.sentencepiece_tokenizer import SentencePieceTokenizer

TOKENIZER = SentencePieceTokenizer.read(KEPT)
PIECES = SentencePieceProcessor(model_file=str(KEPT))

texts = st.text() | st.text(alphabet=" \n▁aSéhe好。（高兴1)\u3000", max_size=12)
roles = st.sampled_from(list(ROLES))


def released_codes() -> bytes:
    """The small model with the codes where the released one has them, 65,536 pieces further."""
    model = KEPT.read_bytes()
    between = [f"unused{number}" for number in range(STEP_AUDIO.text_size - TOKENIZER.size)]
    return with_pieces(
        with_pieces(model, between, Kind.UNUSED), code_pieces(range(5120)), Kind.USER_DEFINED
    )


@given(roles, texts)
def test_a_turn_in_parts_is_the_whole_turn(role: str, content: str) -> None:
    whole: list[int] = PIECES.encode(role + content)
    if content:
        assert TOKENIZER.encode(role) + TOKENIZER.encode(content) == whole
    else:
        assert TOKENIZER.encode(role) == whole


@given(texts.filter(lambda text: f"{text}\n" not in ROLES), texts)
def test_texts_may_be_parted_at_a_newline(before: str, after: str) -> None:
    both = TOKENIZER.encode(f"{before}\n{after}")
    assert TOKENIZER.encode(f"{before}\n") + TOKENIZER.encode(after) == both


@given(texts.filter(lambda text: text not in ROLES))
def test_every_text_comes_back(text: str) -> None:
    # The sign that stands for a space is one.
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text.replace("▁", " ")


@given(texts.filter(lambda text: text not in ROLES and not text.startswith((" ", "▁"))))
def test_no_content_begins_with_a_space_that_it_does_not_have(text: str) -> None:
    ids = TOKENIZER.encode(text)
    assert not ids or not PIECES.id_to_piece(ids[0]).startswith("▁")


@given(texts)
def test_ids_are_of_text_alone(text: str) -> None:
    assert all(TOKENIZER.first_id <= one < TOKENIZER.size for one in TOKENIZER.encode(text))


def test_alone_the_library_puts_a_space_before_a_text() -> None:
    assert PIECES.encode("你好")[0] == PIECES.piece_to_id("▁")
    assert TOKENIZER.encode("你好") == PIECES.encode("你好")[1:]
    # Here the space is part of a piece, and no first id can be taken away.
    hello = PIECES.encode("the train")
    assert PIECES.id_to_piece(hello[0]) == "▁the"
    assert TOKENIZER.encode("the train") != hello[1:]
    assert TOKENIZER.decode(TOKENIZER.encode("the train")) == "the train"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_begins_with_the_space_of_the_released_one(role: str) -> None:
    ids = TOKENIZER.encode(role)
    assert "".join(map(PIECES.id_to_piece, ids)) == f"▁{role.strip()}<0x0A>"


@pytest.mark.parametrize("text", ["<|EOT|>", "<s>", "<audio_17>", "<0x0A>"])
def test_the_spelling_of_a_piece_that_is_none_here_is_only_text(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


def test_a_text_that_spells_a_code_is_refused_where_there_are_codes() -> None:
    released = SentencePieceTokenizer(released_codes(), "released.model")
    assert released.size == STEP_AUDIO.text_size
    assert released.encode("你好") == TOKENIZER.encode("你好")
    with pytest.raises(UsageError, match=r"'so <audio_17> what' has <audio_17> in it.*take it out"):
        released.encode("so <audio_17> what")


def test_a_text_that_spells_a_control_piece_is_refused() -> None:
    symbols = ["<|EOT|>", "<|BOT|>"]
    trained = train(control_symbols=[], user_defined_symbols=symbols)
    with pytest.raises(UsageError, match=r"has <\|EOT\|> in it"):
        SentencePieceTokenizer(trained).encode("enough<|EOT|>")


def test_half_a_character_is_refused() -> None:
    with pytest.raises(UsageError, match="half of a character at position 1"):
        TOKENIZER.encode("a\ud800b")


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        ({"control_symbols": []}, r"no <\|EOT\|> at id 3"),
        ({"control_symbols": ["<|BOT|>", "<|EOT|>"]}, r"no <\|EOT\|> at id 3"),
        ({"user_defined_symbols": ["<audio_0>"]}, "no <audio_0> at id 65536"),
        ({"byte_fallback": False}, "no byte for the newline"),
        ({"normalization_rule_name": "nmt_nfkc"}, "no byte for the newline"),
    ],
)
def test_a_model_of_another_house_is_refused(other: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageError, match=f"other.model has {complaint}"):
        SentencePieceTokenizer(train(**other), "other.model")


def test_a_model_whose_text_reaches_into_speech_is_refused() -> None:
    more = [f"word{number}" for number in range(STEP_AUDIO.text_size)]
    with pytest.raises(UsageError, match=r"66\d* pieces of text, and from 65536 on .* are speech"):
        SentencePieceTokenizer(with_pieces(KEPT.read_bytes(), more, Kind.NORMAL))


@pytest.mark.parametrize("content", [b"", b"no model", KEPT.read_bytes()[:999]])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tokenizer.model"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"tokenizer\.model is no SentencePiece model"):
        SentencePieceTokenizer.read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"away\.model cannot be read"):
        SentencePieceTokenizer.read(tmp_path / "away.model")


def test_a_tokenizer_goes_to_workers_as_it_is() -> None:
    sent = pickle.loads(pickle.dumps(TOKENIZER))
    assert sent.encode("你好 hello") == TOKENIZER.encode("你好 hello")
    assert sent.fingerprint() == TOKENIZER.fingerprint()


def test_tokenizers_are_told_apart_by_their_models() -> None:
    other = SentencePieceTokenizer(train(vocab_size=600))
    assert other.fingerprint() != TOKENIZER.fingerprint()
    assert SentencePieceTokenizer.read(KEPT).fingerprint() == TOKENIZER.fingerprint()


def test_training_anew_is_told_of_where_it_differs() -> None:
    """Another version of the library may train another model; the goldens are of the kept one."""
    trained = train()
    if trained != KEPT.read_bytes():
        warnings.warn("this sentencepiece trains another model than the kept one", stacklevel=1)
    anew = SentencePieceTokenizer(trained)
    assert anew.decode(anew.encode("你好 hello")) == "你好 hello"
