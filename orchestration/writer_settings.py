"""What `lauter write` can be told; who writes is the group ``writer``."""

from dataclasses import dataclass, field


@dataclass
class WriteSettings:
    """`lauter write`."""

    folder: str = "written"
    """Where texts.jsonl, dead-letters.jsonl and report.json are written."""
    dialects: list[str] = field(default_factory=lambda: ["en-US", "cmn", "ja-JP"])
    """Dialects to write for; by the rules one set of English, and of Japanese, serves all of its
    dialects, a model writes one for each."""
    emotions: list[str] = field(
        default_factory=lambda: ["neutral", "joy", "sadness", "anger", "fear", "cute"]
    )
    """Emotions that the words shall express."""
    levels: list[int] = field(default_factory=lambda: [0])
    """Levels of each emotion; 0: texts that bear any level."""
    count: int = 60
    """Texts of each emotion and level in each dialect, or in each language of which one set serves
    all dialects."""
    topics: list[str] = field(default_factory=list)
    """What they are about, evenly: family, food, home, work, school, travel, weather, animals,
    health, town, leisure, shopping; none: all."""
    genres: list[str] = field(default_factory=list)
    """What kind of texts, evenly: statement, question, exclamation, dialogue, narrative,
    instruction, news, poem; none: all."""
    registers: list[str] = field(default_factory=list)
    """formal, casual, chatty (en), plain, polite, honorific (ja); none: all, and as it comes."""
    lengths: dict[str, list[int]] = field(
        default_factory=lambda: {"en": [20, 60], "zh": [8, 25], "ja": [8, 25], "ko": [8, 30]}
    )
    """Least and most characters of a text, by language."""
    known: list[str] = field(default_factory=list)
    """Files of texts that shall not come again, such as texts.jsonl of earlier runs."""
    alike: float = 0.6
    """Texts with this share of their n-grams in common are the same, from 0.5 to 1."""
    per_ask: int = 8
    """Texts that a model is asked for at once."""
    cache: str | None = None
    """File of paid answers, which several runs may share; null: answers.sqlite in the folder."""
