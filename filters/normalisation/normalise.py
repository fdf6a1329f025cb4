"""One way into all languages' forms."""

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from hashlib import blake2b
from importlib import metadata
from pathlib import Path

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.tags import Language, without_sounds
from lauter.filters.normalisation.chinese import normalise_chinese
from lauter.filters.normalisation.english import normalise_english
from lauter.filters.normalisation.japanese import normalise_japanese

_NORMALISERS: Mapping[str, Callable[[str], str]] = {
    Language.ENGLISH.value: normalise_english,
    Language.CHINESE.value: normalise_chinese,
    Language.JAPANESE.value: normalise_japanese,
}
NORMALISED_LANGUAGES = tuple(_NORMALISERS)
"""The languages that have a form."""


@lru_cache(maxsize=32768)
def normalise(text: str, language: str) -> str:
    """Return ``text`` as scorers compare it; ``language`` is one of ``NORMALISED_LANGUAGES``.

    English becomes words with single spaces, Chinese simplified characters without any, Japanese
    katakana as it is pronounced; sounds between words (``tags.Sound``) are left out. Texts used
    last are remembered: references return often. Raises ``UsageError`` for another language.
    """
    normaliser = _NORMALISERS.get(language)
    if normaliser is None:
        raise UsageError(
            f"texts in '{language}' cannot be compared; choose {', '.join(_NORMALISERS)}"
        )
    return normaliser(without_sounds(text))


@cache
def fingerprint() -> str:
    """Return a digest of the rules: this folder's files, and the dictionaries they look into."""
    folder = Path(__file__).parent
    rules = {
        path.name: blake2b(path.read_bytes(), digest_size=16).hexdigest()
        for path in sorted([*folder.glob("*.py"), *folder.glob("*.tsv")])
    }
    packages = ("opencc-python-reimplemented", "pyopenjtalk-plus", "pypinyin")
    versions = {package: metadata.version(package) for package in packages}
    return content_id("lauter.normalisation.v1", {"rules": rules, "packages": versions})
