"""Checks of texts: what no voice can say is refused in a sentence, before it costs anything.

Computed on columns with Arrow's regular expressions, so that a million texts take seconds.
"""

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.tags import Language

_SCRIPTS = {
    Language.ENGLISH: (r"\p{Latin}", "Latin letters"),
    Language.CHINESE: (r"\p{Han}", "Chinese characters"),
    Language.JAPANESE: (r"[\p{Hiragana}\p{Katakana}\p{Han}]", "kana or kanji"),
    Language.KOREAN: (r"\p{Hangul}", "Hangul"),
}
_FOREIGN = {
    Language.ENGLISH: r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Cyrillic}\p{Arabic}]",
    Language.CHINESE: r"[\p{Hiragana}\p{Katakana}\p{Hangul}\p{Cyrillic}\p{Arabic}]",
    Language.JAPANESE: r"[\p{Hangul}\p{Cyrillic}\p{Arabic}]",
    Language.KOREAN: r"[\p{Hiragana}\p{Katakana}\p{Cyrillic}\p{Arabic}]",
}


def check_texts(
    texts: pa.ChunkedArray, languages: pa.ChunkedArray, *, max_characters: int
) -> pa.ChunkedArray:
    """Return, for each text, null or the sentence that refuses it."""
    lengths = pc.utf8_length(texts)
    readable = pc.match_substring_regex(texts, r"[\p{L}\p{N}]")
    has_digits = pc.match_substring_regex(texts, r"\p{N}")
    conditions = [
        (
            pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(texts)), 0),
            "the text is empty; give it words or drop the prompt",
        ),
        (
            pc.greater(lengths, max_characters),
            f"the text has more than {max_characters} characters; split it into sentences",
        ),
        (
            pc.match_substring_regex(texts, r"[\x00-\x08\x0b-\x1f\x7f\x{fffd}]"),
            "the text has control or replacement characters; clean it at its source",
        ),
        (
            pc.invert(readable),
            "the text has no letter and no digit, only punctuation; give it words",
        ),
    ]
    for language in Language:
        letters, named = _SCRIPTS[language]
        own = pc.match_substring_regex(texts, letters)
        foreign = pc.match_substring_regex(texts, _FOREIGN[language])
        wrong = pc.or_(foreign, pc.invert(pc.or_(own, has_digits)))
        conditions.append(
            (
                pc.and_(pc.equal(languages, language.value), wrong),
                f"the text is not written in {named}, as its language '{language.value}' is; "
                "correct the language or the text",
            )
        )
    sentences = pa.chunked_array([pa.nulls(len(texts), pa.string())])
    for condition, sentence in reversed(conditions):
        sentences = pc.if_else(condition, sentence, sentences)
    return sentences
