"""Tags before a text, ``(高兴2)``: written for Step-Audio-TTS-3B, and read in three languages.

The checkpoint was taught one or two levels of a word (``stepfun-ai/Step-Audio:tts.py``), the paper
has five (arXiv 2502.11946, section 5.1.1). Its levels are ours, as far as they go: a level that it
has no word for is refused rather than said weaker than its label.

Texts from elsewhere bring such tags along, in their own language and brackets. They are moved into
a prompt's columns, so that a label never contradicts what a model was told.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import tag_words
from lauter.datasets.records import Prompt
from lauter.datasets.tags import Dialect, Emotion, Style

RELEASED_WORDS: Final = (
    *("高兴1", "高兴2", "生气1", "生气2", "悲伤1", "撒娇1"),
    *("中文", "英文", "韩语", "日语", "四川话", "粤语", "广东话"),
    *("RAP", "哼唱"),
    *("慢速1", "慢速2", "快速1", "快速2"),
)
"""What Step-Audio-TTS-3B was taught to read in brackets."""

_BRACKETS: Final = re.compile(r"\s*[(（]([^()（）]*)[)）]")
_LEVELLED: Final = re.compile(r"(very\s+|非常|很|とても|すごく)?(.*?)\s*([1-5])?", re.DOTALL)
"""A word, with its level behind it or, for level 2, *very* before it."""

_SYNONYMS: Final[Mapping[tuple[str, str], str]] = {
    ("emotion", Emotion.JOY.value): (
        "高兴 高興 开心 開心 快乐 快樂 喜悦 愉快 happy happily joyful glad "
        "嬉しい うれしい 喜び 楽しい"
    ),
    ("emotion", Emotion.ANGER.value): "生气 生氣 愤怒 憤怒 angry angrily furious 怒り 怒る 怒って",
    ("emotion", Emotion.SADNESS.value): (
        "悲伤 悲傷 难过 難過 伤心 傷心 sad sadly sorrow 悲しい 悲しみ かなしい"
    ),
    ("emotion", Emotion.FEAR.value): "害怕 恐惧 恐懼 afraid scared fearful 怖い こわい 恐怖 恐れ",
    ("emotion", Emotion.CUTE.value): "撒娇 撒嬌 可爱 可愛 coy sweetly 甘え 甘えて 可愛い かわいい",
    ("speed", "fast"): "快速 快 fast faster quick quickly 速い はやい 早口",
    ("speed", "slow"): "慢速 慢 slow slower slowly 遅い おそい ゆっくり",
    ("style", Style.RAP.value): "RAP 说唱 說唱 rapping ラップ",
    ("style", Style.SUNG.value): "哼唱 唱 唱歌 sing singing hum humming 歌 歌う 鼻歌 ハミング",
    ("dialect", Dialect.CANTONESE.value): "粤语 粵語 广东话 廣東話 cantonese 広東語",
    ("dialect", Dialect.SICHUANESE.value): "四川话 四川話 川话 sichuanese 四川語 四川弁",
    ("dialect", Dialect.MANDARIN.value): "中文 普通话 普通話 国语 國語 chinese mandarin 中国語",
    ("dialect", Dialect.EN_US.value): "英文 英语 英語 english",
    ("dialect", Dialect.JAPANESE.value): "日语 日語 日文 japanese 日本語",
    ("dialect", Dialect.KOREAN.value): "韩语 韓語 韩文 korean 韓国語",
}
"""Each meaning's words; our own names (``joy``, ``yue``, ``sung``) are words too."""

_OWN_NAMES: Final = (
    *(("emotion", one.value) for one in Emotion if one != Emotion.NEUTRAL),
    *(("style", one.value) for one in Style if one != Style.PLAIN),
    *(("dialect", one.value) for one in Dialect),
)
_MEANINGS: Final[Mapping[str, tuple[str, str]]] = {
    word.casefold(): meaning for meaning, words in _SYNONYMS.items() for word in words.split()
} | {name.casefold(): (column, name) for column, name in _OWN_NAMES}
_PLAIN: Final = Prompt(text="", language="", dialect="")


@dataclass(frozen=True, slots=True)
class Tags:
    """What stood before a text; None where nothing was said of it."""

    dialect: str | None = None
    emotion: str | None = None
    emotion_level: int | None = None
    style: str | None = None
    speed_level: int | None = None


def released_tags(prompt: Prompt) -> str:
    """Return the tags of a prompt as Step-Audio-TTS-3B reads them, ``(粤语)(高兴2)``.

    British English has no word and comes with the reference's accent. Raises ``UsageError`` for
    what the checkpoint has no word for, and for rap and song together with anything else: it takes
    those by the first tag alone.
    """
    accent = Dialect.EN_US if prompt.dialect == Dialect.EN_GB else prompt.dialect
    written = tag_words(asdict(replace(prompt, dialect=accent)))
    words = written.strip("()").split(")(") if written else []
    for word in words:
        if word not in RELEASED_WORDS:
            raise UsageError(
                f"Step-Audio-TTS-3B has no tag '{word}'; it has {' '.join(RELEASED_WORDS)}"
            )
    if prompt.style != Style.PLAIN and len(words) > 1:
        raise UsageError(
            f"Step-Audio-TTS-3B raps and sings without other tags, not {written}; ask for plain "
            "speech, or for this style alone"
        )
    return written


def read_tags(text: str) -> tuple[Tags, str]:
    """Return what the tags at the head of a text say, and the text after them.

    Brackets may be half- or full-width; an emotion or a speed may have a level from 1 to 5 behind
    it. The first bracket that is no tag belongs to the text. Raises ``UsageError`` where two tags
    speak of one thing.
    """
    said, end = Tags(), 0
    while found := _BRACKETS.match(text, end):
        meaning = _meaning(found[1])
        if not meaning:
            break
        if any(getattr(said, column) is not None for column in meaning):
            raise UsageError(
                f"the text '{text[:20]}' has two tags for its {next(iter(meaning))}; leave one"
            )
        said, end = replace(said, **meaning), found.end()
    return said, text[end:].lstrip() if end else text


def _meaning(word: str) -> dict[str, Any]:
    plain = unicodedata.normalize("NFKC", word).strip().casefold()
    found = _LEVELLED.fullmatch(plain)
    if found is None:
        return {}
    intense, name, digit = found.groups()
    column, value = _MEANINGS.get(name, ("", ""))
    level = int(digit) if digit else 2 if intense else 1
    if column == "emotion":
        return {"emotion": value, "emotion_level": level}
    if column == "speed":
        return {"speed_level": level if value == "fast" else -level}
    return {column: value} if column and name == plain else {}


def untagged(prompt: Prompt) -> Prompt:
    """Return the prompt with the tags at the head of its text moved into its columns.

    Raises ``UsageError`` where tags and columns contradict each other.
    """
    tags, text = read_tags(prompt.text)
    if text == prompt.text:
        return prompt
    return replace(
        prompt,
        text=text,
        dialect=_dialect(tags.dialect, prompt),
        **_agreed(prompt, emotion=tags.emotion, emotion_level=tags.emotion_level),
        **_agreed(prompt, style=tags.style),
        **_agreed(prompt, speed_level=tags.speed_level),
    )


def _agreed(prompt: Prompt, **told: Any) -> dict[str, Any]:
    has = {column: getattr(prompt, column) for column in told}
    if None in told.values() or told == has:
        return has
    if all(has[column] == getattr(_PLAIN, column) for column in has):
        return told
    raise _contradiction(prompt, has)


def _dialect(told: str | None, prompt: Prompt) -> str:
    if told is None or told == prompt.dialect:
        return prompt.dialect
    if Dialect(told).language != Dialect(prompt.dialect).language:
        raise _contradiction(prompt, {"dialect": prompt.dialect})
    # (英文) says the language, and is true of British English as well.
    if _is_first(told):
        return prompt.dialect
    if _is_first(prompt.dialect):
        return told
    raise _contradiction(prompt, {"dialect": prompt.dialect})


def _is_first(dialect: str) -> bool:
    return not tag_words(asdict(replace(_PLAIN, dialect=dialect)))


def _contradiction(prompt: Prompt, has: Mapping[str, Any]) -> UsageError:
    columns = ", ".join(f"{column} {value}" for column, value in has.items())
    return UsageError(
        f"the tags of the text '{prompt.text[:20]}' contradict its columns ({columns}); "
        "leave one of the two"
    )
