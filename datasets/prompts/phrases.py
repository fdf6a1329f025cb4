"""Short commands with numbers, times and dates, made from a small grammar: a closed domain.

A few hundred words in tens of thousands of sentences: enough that no held-out sentence was heard
in training, and few enough that a student of a few million weights learns to say all of them
within minutes on a laptop. What such a student cannot do is say anything else. Numbers are
written as words, so that the text says how it is read.
"""

import random
from collections.abc import Callable, Mapping

import pyarrow as pa

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.table import TEXT_SCHEMA
from lauter.datasets.tags import Language

SOURCE = "lauter-phrases"
LICENCE = "CC0-1.0"
MOST = 20_000
"""As many distinct sentences as may be asked for; the grammar has many more."""

_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty-first",
    "twenty-second",
    "twenty-third",
    "twenty-fourth",
    "twenty-fifth",
    "twenty-sixth",
    "twenty-seventh",
    "twenty-eighth",
    "twenty-ninth",
    "thirtieth",
]

_LISTS: Mapping[str, tuple[str, ...]] = {
    "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "month": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
    "ordinal": tuple(_ORDINALS),
    "room": ("kitchen", "bedroom", "bathroom", "garage", "living room", "office"),
    "device": ("light", "radio", "heating", "fan", "television", "lamp"),
    "switch": ("on", "off"),
    "part": ("morning", "afternoon", "evening"),
    "name": ("Anna", "Peter", "Maria", "David", "Susan", "Thomas"),
    "thing": ("apples", "tickets", "books", "boxes", "chairs", "bottles"),
    "place": ("station", "airport", "market", "library", "hospital", "school"),
}  # fmt: skip

_TEMPLATES = (
    "Turn {switch} the {device} in the {room}.",
    "Set a timer for {number} minutes.",
    "Set the alarm for {time} in the {part}.",
    "Wake me up at {time} on {day}.",
    "Call {name} at {time}.",
    "Send a message to {name} on {day} {part}.",
    "The meeting with {name} is on the {ordinal} of {month}.",
    "Remind me on {day}, the {ordinal} of {month}.",
    "The train to the {place} leaves at {time}.",
    "It is {number} minutes from the {place} to the {place}.",
    "Buy {number} {thing} on {day}.",
    "We need {number} {thing} and {number} {thing}.",
    "The number is {digit}, {digit}, {digit}, {digit}.",
    "The ticket costs {number} dollars.",
    "Set the heating in the {room} to {number} degrees.",
    "Open the window in the {room} at {time}.",
    "My birthday is on the {ordinal} of {month}.",
    "Play the radio in the {room} for {number} minutes.",
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
    made = []
    for piece in _split(chance.choice(_TEMPLATES)):
        made.append(_word(piece, chance) if piece.startswith("{") else piece)
    return "".join(made)


def _split(template: str) -> list[str]:
    return template.replace("{", "\0{").replace("}", "}\0").split("\0")


def _word(slot: str, chance: random.Random) -> str:
    name = slot.strip("{}")
    made = _MADE.get(name)
    return made(chance) if made else chance.choice(_LISTS[name])


def _number(chance: random.Random) -> str:
    return spelled(chance.randint(2, 99))


def _digit(chance: random.Random) -> str:
    return _ONES[chance.randint(0, 9)]


def _time(chance: random.Random) -> str:
    hour = _ONES[chance.randint(1, 12)]
    return chance.choice(
        (f"half past {hour}", f"quarter to {hour}", f"{hour} thirty", f"{hour} fifteen", hour)
    )


_MADE: Mapping[str, Callable[[random.Random], str]] = {
    "number": _number,
    "digit": _digit,
    "time": _time,
}


def spelled(number: int) -> str:
    """Return a number from 0 to 99 in words."""
    if number < len(_ONES):
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")
