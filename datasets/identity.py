"""Identity is content: how records are hashed, and why just so.

A request is hashed over everything that decides its audio (what to say, how, by which teacher
with which sampling and seed) and over nothing else (not the source of the text, not its licence,
not the time). So the same wish always has the same id, on every machine and in every version,
and is never decoded twice.

The canonical form is JSON with sorted keys, no spaces, UTF-8, and every string in Unicode's NFC;
the digest is BLAKE2b with 128 bits, over a domain word, a zero byte and the canonical form. The
domain word carries the version of the form. A golden test holds all of this still.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping

_encode = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
).encode


def canonical_json(value: Mapping[str, object]) -> str:
    """Return the one JSON text of ``value``: sorted keys, no spaces, strings in NFC."""
    text = _encode(value)
    return text if unicodedata.is_normalized("NFC", text) else _encode(_in_nfc(value))


def _in_nfc(value: object) -> object:
    # The values, not the text: in it a combining mark could join the letter of an escape.
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, Mapping):
        return {_in_nfc(name): _in_nfc(inner) for name, inner in value.items()}
    return [_in_nfc(inner) for inner in value] if isinstance(value, list | tuple) else value


def digest(domain: str, content: str | bytes) -> str:
    """Return BLAKE2b-128 of ``content`` as 32 hexadecimal digits, apart from other domains'."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.blake2b(domain.encode() + b"\0" + data, digest_size=16).hexdigest()


def content_id(domain: str, value: Mapping[str, object]) -> str:
    """Return the digest of ``value``'s canonical form."""
    return digest(domain, canonical_json(value))
