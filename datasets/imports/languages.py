"""What other houses call languages, and which dialect of ours that is.

A tag that leaves the dialect open ("en", "Chinese") is answered with the language alone: which of
its dialects is spoken must be said, for a recogniser may judge only the dialects that it knows.
"""

from lauter.datasets.errors import UsageError
from lauter.datasets.tags import Dialect, Language

_ONLY_LANGUAGE = {
    "en": Language.ENGLISH,
    "eng": Language.ENGLISH,
    "english": Language.ENGLISH,
    "zh": Language.CHINESE,
    "zho": Language.CHINESE,
    "chi": Language.CHINESE,
    "chinese": Language.CHINESE,
    "zh-hans": Language.CHINESE,
    "zh-hant": Language.CHINESE,
}
_DIALECTS = {
    "en-us": Dialect.EN_US,
    "en-gb": Dialect.EN_GB,
    "en-uk": Dialect.EN_GB,
    "cmn": Dialect.MANDARIN,
    "mandarin": Dialect.MANDARIN,
    "zh-cn": Dialect.MANDARIN,
    "zh-tw": Dialect.MANDARIN,
    "cmn-hans-cn": Dialect.MANDARIN,
    "yue": Dialect.CANTONESE,
    "cantonese": Dialect.CANTONESE,
    "zh-hk": Dialect.CANTONESE,
    "zh-yue": Dialect.CANTONESE,
    "sichuan": Dialect.SICHUANESE,
    "sichuanese": Dialect.SICHUANESE,
    "ja": Dialect.JAPANESE,
    "jpn": Dialect.JAPANESE,
    "ja-jp": Dialect.JAPANESE,
    "japanese": Dialect.JAPANESE,
    "ko": Dialect.KOREAN,
    "kor": Dialect.KOREAN,
    "ko-kr": Dialect.KOREAN,
    "korean": Dialect.KOREAN,
}


def dialect_of(tag: str) -> tuple[Language, Dialect | None]:
    """Return the language of a tag or name, and the dialect where it says which.

    Raises ``UsageError`` for a language or dialect that Lauter has no word for.
    """
    known = tag.strip().lower().replace("_", "-")
    if known in _DIALECTS:
        dialect = _DIALECTS[known]
        return dialect.language, dialect
    if known in _ONLY_LANGUAGE:
        return _ONLY_LANGUAGE[known], None
    raise UsageError(
        f"the language '{tag}' has no place here; there are {', '.join(Dialect)} "
        f"and, where a default names the dialect, {', '.join(Language)}"
    )


def resolve_dialect(said: tuple[str, ...], defaults: tuple[str, ...]) -> tuple[Language, Dialect]:
    """Return the language and dialect that tags agree on; what was said outweighs defaults.

    Raises ``UsageError`` where they contradict each other or leave it open.
    """
    language: Language | None = None
    dialect: Dialect | None = None
    for is_default, tags in ((False, said), (True, defaults)):
        for tag in filter(None, tags):
            its_language, its_dialect = dialect_of(tag)
            if language is None:
                language = its_language
            elif its_language != language:
                if is_default:
                    continue
                raise UsageError(f"it says both {language} and '{tag}'; which is it?")
            dialect = dialect or its_dialect
    if language is None:
        raise UsageError(
            "it names no language; say one for all rows: "
            f"source.origin.dialect= one of {', '.join(Dialect)}"
        )
    if dialect is None:
        spoken = [dialect for dialect in Dialect if dialect.language == language]
        raise UsageError(
            f"it says '{language}' and not which dialect; say one for all rows: "
            f"source.origin.dialect= one of {', '.join(spoken)}"
        )
    return language, dialect
