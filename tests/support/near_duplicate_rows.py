"""Rows as the search for duplicates wants them; what a test does not say is the same in all."""

import pyarrow as pa

_SAME = {
    "language": "en",
    "dialect": "en-US",
    "emotion": "neutral",
    "emotion_level": 0,
    "style": "plain",
    "speed_level": 0,
    "speaker": "someone",
}
_TYPES = {
    "sound_print": pa.list_(pa.uint32()),
    "emotion_level": pa.int8(),
    "speed_level": pa.int8(),
}


def near_duplicate_rows(count: int, **columns: list[object]) -> pa.Table:
    """Return rows with ids 000000, 000001, …; each has its own text unless ``text`` is given."""
    rows: dict[str, list[object]] = {name: [value] * count for name, value in _SAME.items()}
    rows["request_id"] = [f"{number:06d}" for number in range(count)]
    rows["text"] = [chr(0x4E00 + number) * 9 for number in range(count)]
    rows |= columns
    types = {name: _TYPES.get(name, pa.string()) for name in rows}
    return pa.table({name: pa.array(values, types[name]) for name, values in rows.items()})
