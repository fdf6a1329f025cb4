"""Short commands with numbers, times and dates, made from a small grammar: a closed domain.

Some hundred words in hundreds of thousands of sentences: enough that no held-out sentence was heard
in training, and few enough that a small student can hope to learn them on a laptop (how far it has
come stands in docs/results.md). What such a student cannot do is say anything else. Every template
has more than two thousand sentences, so that none is soon used up and each comes about as often
as any other. Numbers are written as words, so that the text says how it is read. There are no rows
of digits: recognisers write them down as one number, and would find errors in speech without any.
"""

import random
import string
from collections.abc import Callable, Mapping

import pyarrow as pa

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.table import TEXT_SCHEMA
from lauter.datasets.tags import Language

SOURCE = "lauter-phrases"
LICENCE = "CC0-1.0"
MOST = 20_000
"""As many distinct sentences as may be asked for; the grammar has many more."""

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_IRREGULAR_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_DAYS_OF = {
    "January": 31, "February": 29, "March": 31, "April": 30, "May": 31, "June": 30, "July": 31,
    "August": 31, "September": 30, "October": 31, "November": 30, "December": 31,
}  # fmt: skip

_LISTS: Mapping[str, tuple[str, ...]] = {
    "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "room": ("kitchen", "bedroom", "bathroom", "garage", "living room", "office"),
    "device": ("light", "radio", "heating", "fan", "television", "lamp"),
    "switch": ("on", "off"),
    "part": ("morning", "afternoon", "evening"),
    "name": ("Anna", "Peter", "Maria", "David", "Susan", "Thomas"),
    "thing": ("apples", "tickets", "books", "boxes", "chairs", "bottles"),
    "place": ("station", "airport", "market", "library", "hospital", "school"),
}  # fmt: skip

_TEMPLATES = (
    "Turn {switch} the {device} in the {room} at {time}.",
    "Set a timer for {number} minutes and {number} seconds.",
    "Wake {name} on {day} at {time}.",
    "Call {name} on {day} at {time}.",
    "Meet {name} on {day}, the {date}.",
    "The train to the {place} leaves on {day} at {time}.",
    "We need {number} {thing} and {number} {thing}.",
    "{number} {thing} cost {number} dollars.",
    "{day}, the {date}.",
)


def phrase_texts(count: int = 3000, seed: int = 0) -> pa.Table:
    """Return ``count`` distinct English sentences of the grammar (``TEXT_SCHEMA``).

    The same seed gives the same sentences, and a greater count only adds to them. Raises
    ``UsageError`` for a count that is not from 1 to ``MOST``.
    """
    if not 1 <= count <= MOST:
        raise UsageError(f"prompts.count is {count}; set 1 to {MOST}")
    chance = random.Random(seed)
    sentences: dict[str, None] = {}
    while len(sentences) < count:
        sentences[_sentence(chance)] = None
    return pa.Table.from_pylist(
        [
            {
                "text": text,
                "language": Language.ENGLISH.value,
                "text_source": SOURCE,
                "text_licence": LICENCE,
                "row": row,
            }
            for row, text in enumerate(sentences, start=1)
        ],
        schema=TEXT_SCHEMA,
    )


def _sentence(chance: random.Random) -> str:
    # Templates take their turn by chance and not by how many sentences each could make: else
    # nearly all would be of the one with the most places.
    template = chance.choice(_TEMPLATES)
    said: set[str] = set()
    made = []
    for literal, slot, _, _ in string.Formatter().parse(template):
        made.append(literal)
        if slot:
            made.append(_word(slot, said, chance))
    sentence = "".join(made)
    return sentence[0].upper() + sentence[1:]


def _word(slot: str, said: set[str], chance: random.Random) -> str:
    if slot in _MADE:
        return _MADE[slot](chance)
    # Nobody goes from the school to the school.
    word = chance.choice([word for word in _LISTS[slot] if word not in said])
    said.add(word)
    return word


def _number(chance: random.Random) -> str:
    return spelled(chance.randint(2, 99))


def _time(chance: random.Random) -> str:
    hour = _ONES[chance.randint(1, 12)]
    return chance.choice(
        (f"half past {hour}", f"quarter to {hour}", f"{hour} thirty", f"{hour} fifteen", hour)
    )


def _date(chance: random.Random) -> str:
    month = chance.choice(list(_DAYS_OF))
    return f"{ordinal(chance.randint(1, _DAYS_OF[month]))} of {month}"


_MADE: Mapping[str, Callable[[random.Random], str]] = {
    "number": _number,
    "time": _time,
    "date": _date,
}


def spelled(number: int) -> str:
    """Return a number from 0 to 99 in words."""
    if number < len(_ONES):
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")


def ordinal(number: int) -> str:
    """Return a number's place from 1 to 99 in words, such as *twenty-first*."""
    before, hyphen, last = spelled(number).rpartition("-")
    if last in _IRREGULAR_ORDINALS:
        last = _IRREGULAR_ORDINALS[last]
    else:
        last = last.removesuffix("y") + ("ieth" if last.endswith("y") else "th")
    return before + hyphen + last
