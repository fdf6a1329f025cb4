"""Checks of texts: what no voice can say is refused in a sentence, before it costs anything.

Computed on columns with Arrow's regular expressions, so that a million texts take seconds.
"""

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.prompts.table import table_from_prompts
from lauter.datasets.records import PROMPT_SCHEMA, Prompt, described
from lauter.datasets.tags import Language

_SCRIPTS = {
    Language.ENGLISH: (r"\p{Latin}", "Latin letters"),
    Language.CHINESE: (r"\p{Han}", "Chinese characters"),
    Language.JAPANESE: (r"[\p{Hiragana}\p{Katakana}\p{Han}]", "kana or kanji"),
    Language.KOREAN: (r"\p{Hangul}", "Hangul"),
}
_EVERYWHERE = r"\p{Latin}\p{Greek}\p{Common}\p{Inherited}"
"""Scripts whose letters stand in texts of any language: names, units, formulas."""
_FOREIGN = {
    Language.ENGLISH: rf"[^\P{{L}}{_EVERYWHERE}]",
    Language.CHINESE: rf"[^\P{{L}}{_EVERYWHERE}\p{{Han}}]",
    Language.JAPANESE: rf"[^\P{{L}}{_EVERYWHERE}\p{{Han}}\p{{Hiragana}}\p{{Katakana}}]",
    Language.KOREAN: rf"[^\P{{L}}{_EVERYWHERE}\p{{Han}}\p{{Hangul}}]",
}
"""Letters of any other script."""
_CODES = [language.value for language in Language]
# Not the tab and the line's end, which are white space; but signs that turn the writing round.
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9f}\p{Cf}\p{Co}\p{Zl}\p{Zp}\x{fffd}]"

REFUSED_SCHEMA = pa.schema(
    [*PROMPT_SCHEMA, described("refusal", pa.string(), "Why, and what to do", nullable=False)]
)


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
            pc.match_substring_regex(texts, _CONTROL),
            "the text has control or replacement characters; clean it at its source",
        ),
        (
            pc.invert(readable),
            "the text has no letter and no digit, only punctuation; give it words",
        ),
        (
            pc.invert(pc.is_in(languages, value_set=pa.array(_CODES))),
            f"the language of the text is none of {', '.join(_CODES)}; correct it",
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


def sift(texts: pa.Table, *, max_characters: int) -> tuple[pa.Table, pa.Table]:
    """Return the texts that can be said, and the others (``REFUSED_SCHEMA``).

    A refusal says where its texts stand: *the text is empty; give it words or drop the prompt
    (texts.jsonl, rows 2 and 7)*. All texts that one reason refuses share one sentence. They are
    prompts without a dialect or manner, for they never got as far.
    """
    refusals = check_texts(texts["text"], texts["language"], max_characters=max_characters)
    said = pc.is_null(refusals)
    refused = texts.append_column("refusal", refusals).filter(pc.invert(said)).to_pylist()
    places: dict[tuple[str, str], list[int]] = {}
    for row in refused:
        places.setdefault((row["refusal"], row["text_source"]), []).append(row["row"])
    prompts = table_from_prompts(
        Prompt(
            row["text"],
            row["language"],
            dialect="",
            text_source=row["text_source"],
            text_licence=row["text_licence"],
        )
        for row in refused
    )
    sentences = [
        f"{row['refusal']} ({row['text_source']}, "
        f"{_listed_rows(places[row['refusal'], row['text_source']])})"
        for row in refused
    ]
    refused_prompts = prompts.append_column(
        REFUSED_SCHEMA.field("refusal"), pa.array(sentences, pa.string())
    )
    return texts.filter(said), refused_prompts


def _listed_rows(rows: list[int], shown: int = 10) -> str:
    if len(rows) == 1:
        return f"row {rows[0]}"
    if len(rows) <= shown:
        return f"rows {', '.join(map(str, rows[:-1]))} and {rows[-1]}"
    return f"rows {', '.join(map(str, rows[:shown]))} and {len(rows) - shown} more"
