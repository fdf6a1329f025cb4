"""Planning: prompts become requests, and what cannot be served is refused before it costs.

A plan is a value: the same prompts, teacher and seed always give the same requests, so a run is
resumed by planning it again and taking away what the corpus has. It is computed on columns: the
parts of a request that many share (how, by whom) are checked and serialised once for each
combination, so that a million requests are planned in seconds.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lauter.datasets.consent import Leave
from lauter.datasets.identity import canonical_json
from lauter.datasets.prompts.check import REFUSED_SCHEMA, check_texts
from lauter.datasets.records import (
    CELL_COLUMNS,
    PROMPT_DOMAIN,
    PROMPT_IDENTITY,
    PROMPT_SCHEMA,
    REQUEST_DOMAIN,
    REQUEST_SCHEMA,
    Prompt,
)
from lauter.teacher.ensemble import WhoSpeaks, who_speaks
from lauter.teacher.protocol import Capabilities, Teacher, refusal, voiced_fingerprint


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be asked (``REQUEST_SCHEMA``), and what was refused and why."""

    requests: pa.Table
    refused: pa.Table


def plan(prompts: pa.Table, teacher: Teacher, *, seed: int = 0, leave: Leave | None = None) -> Plan:
    """Bind ``prompts`` (``PROMPT_SCHEMA``; ids are computed here) to a teacher and a seed.

    A prompt without a speaker gets one of its dialect's, spread evenly and by content, so that
    the choice does not depend on the order of the prompts. Doubles are asked once. A voice that
    may not be used by ``leave`` (None: nobody asks) is refused.
    """
    capabilities = teacher.capabilities()
    prompts = _with_normal_text(prompts)
    prompts = _with_speakers(prompts, capabilities)
    refusals = _refusals(prompts, who_speaks(teacher), capabilities.max_characters)
    forbidden = leave.forbidden(capabilities.voices) if leave else {}
    refusals = pc.coalesce(refusals, _by_speaker(prompts["speaker"], forbidden))
    served = pc.is_null(refusals)
    refused = prompts.append_column(REFUSED_SCHEMA.field("refusal"), refusals).filter(
        pc.invert(served)
    )
    requests = _bind(prompts.filter(served), teacher, seed)
    return Plan(requests, refused.select(REFUSED_SCHEMA.names).cast(REFUSED_SCHEMA))


def request_ids(requests: pa.Table) -> pa.Array:
    """Return the id of each row: the same as ``Request.identified``, computed on columns."""
    return _digests(requests, REQUEST_DOMAIN, (*PROMPT_IDENTITY, *_BINDING))


_BINDING = ("teacher", "teacher_fingerprint", "seed")


def _with_normal_text(prompts: pa.Table) -> pa.Table:
    # Not pyarrow's utf8_normalize: as of 25.0 its "NFC" returns the decomposed form.
    position = prompts.schema.get_field_index("text")
    normal = [unicodedata.normalize("NFC", text) for text in prompts["text"].to_pylist()]
    return prompts.set_column(position, PROMPT_SCHEMA.field("text"), pa.array(normal, pa.string()))


def _with_speakers(prompts: pa.Table, capabilities: Capabilities) -> pa.Table:
    unassigned = pc.equal(prompts["speaker"], "")
    if not pc.any(unassigned).as_py():
        return prompts
    chosen = prompts["speaker"].to_pylist()
    speakers = {dialect: capabilities.speakers(dialect) for dialect in capabilities.dialects}
    rows = np.flatnonzero(unassigned.to_numpy(zero_copy_only=False))
    subset = prompts.take(pa.array(rows)).select(["dialect", "text"])
    for row, dialect, text in zip(
        rows, subset["dialect"].to_pylist(), subset["text"].to_pylist(), strict=True
    ):
        if available := speakers.get(dialect):
            number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
            chosen[row] = available[number % len(available)]
    position = prompts.schema.get_field_index("speaker")
    return prompts.set_column(
        position, PROMPT_SCHEMA.field("speaker"), pa.array(chosen, pa.string())
    )


def _refusals(prompts: pa.Table, who: WhoSpeaks, max_characters: int) -> pa.Array:
    """Return, for each prompt, null or the sentence that refuses it."""
    combination_of_row, first_rows = _combinations(prompts, CELL_COLUMNS)
    combinations = prompts.select(list(CELL_COLUMNS)).take(first_rows).to_pylist()
    sentences = []
    for cell in combinations:
        part, capabilities = who(cell["speaker"], cell["dialect"])
        sentences.append(refusal(capabilities, part.name, Prompt(text="", **cell)))
    by_cell = pa.array(np.array(sentences or [None], dtype=object)[combination_of_row], pa.string())
    by_text = check_texts(prompts["text"], prompts["language"], max_characters=max_characters)
    return pc.coalesce(by_text, by_cell)


def _by_speaker(speakers: pa.ChunkedArray, forbidden: Mapping[str, str]) -> pa.Array:
    """Return, for each speaker, null or the sentence that forbids it."""
    places = pc.index_in(speakers, value_set=pa.array(list(forbidden), pa.string()))
    return pa.array(list(forbidden.values()), pa.string()).take(places.combine_chunks())


def _bind(prompts: pa.Table, teacher: Teacher, seed: int) -> pa.Table:
    count = prompts.num_rows
    requests = prompts
    names, fingerprints = _speakers_identities(prompts, teacher)
    bound = (names, fingerprints, pa.repeat(pa.scalar(seed, pa.int64()), count))
    for name, values in zip(_BINDING, bound, strict=True):
        requests = requests.append_column(REQUEST_SCHEMA.field(name), values)
    ids = request_ids(requests)
    first = _first_of_each(ids)
    requests = requests.append_column(REQUEST_SCHEMA.field("request_id"), ids)
    if len(first) < count:
        requests = requests.take(first)
    prompt_ids = _digests(requests, PROMPT_DOMAIN, PROMPT_IDENTITY)
    requests = requests.set_column(
        requests.schema.get_field_index("prompt_id"), PROMPT_SCHEMA.field("prompt_id"), prompt_ids
    )
    return requests.select(REQUEST_SCHEMA.names).cast(REQUEST_SCHEMA)


def _speakers_identities(prompts: pa.Table, teacher: Teacher) -> tuple[pa.Array, pa.Array]:
    """Return the name and the fingerprint of who speaks each prompt.

    A voice that is cloned from a recording adds that recording to the fingerprint.
    """
    who = who_speaks(teacher)
    asked = list(zip(prompts["speaker"].to_pylist(), prompts["dialect"].to_pylist(), strict=True))
    known: dict[tuple[str, str], tuple[str, str]] = {}
    fingerprints: dict[int, str] = {}
    for voice in dict.fromkeys(asked):
        part, capabilities = who(*voice)
        if id(part) not in fingerprints:
            fingerprints[id(part)] = part.fingerprint()
        ours = fingerprints[id(part)]
        known[voice] = part.name, voiced_fingerprint(ours, *voice, capabilities)
    names = pa.array([known[voice][0] for voice in asked], pa.string())
    return names, pa.array([known[voice][1] for voice in asked], pa.string())


def _first_of_each(ids: pa.Array) -> pa.Array:
    encoded = ids.dictionary_encode()
    _, first = np.unique(encoded.indices.to_numpy(zero_copy_only=False), return_index=True)
    return pa.array(np.sort(first))


def _combinations(
    table: pa.Table, columns: tuple[str, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each row's combination of values, and for each combination one row that has it."""
    combined = np.zeros(table.num_rows, dtype=np.int64)
    for name in columns:
        encoded = table[name].combine_chunks().dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        _, combined = np.unique(combined * len(encoded.dictionary) + codes, return_inverse=True)
    _, first, inverse = np.unique(combined, return_index=True, return_inverse=True)
    return inverse, first


_encode_text = json.JSONEncoder(ensure_ascii=False).encode


def _digests(table: pa.Table, domain: str, columns: tuple[str, ...]) -> pa.Array:
    """Return each row's ``content_id`` over ``columns``, of which 'text' sorts last.

    All other values stand before the text in the canonical form and are shared by many rows:
    they are serialised and hashed once for each combination, and each row goes on from there.
    """
    shared = tuple(name for name in columns if name != "text")
    combination_of_row, first_rows = _combinations(table, shared)
    started = []
    for values in table.select(list(shared)).take(first_rows).to_pylist():
        head = canonical_json(values)[:-1] + ',"text":'
        started.append(hashlib.blake2b(domain.encode() + b"\0" + head.encode(), digest_size=16))
    ids = []
    for combination, text in zip(
        combination_of_row.tolist(), table["text"].to_pylist(), strict=True
    ):
        state = started[combination].copy()
        state.update((_encode_text(text) + "}").encode())
        ids.append(state.hexdigest())
    return pa.array(ids, pa.string())
