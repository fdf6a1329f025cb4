"""Planning: prompts become requests, and what cannot be served is refused before it costs.

A plan is a value: the same prompts, teacher and seed always give the same requests, so a run is
resumed by planning it again and taking away what the corpus has. It is computed on columns: the
parts of a request that many share (how, by whom) are checked and serialised once for each
combination, so that a million requests are planned in seconds.
"""

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.consent import Leave
from lauter.datasets.prompts.check import REFUSED_SCHEMA, check_texts
from lauter.datasets.records import (
    CELL_COLUMNS,
    PROMPT_SCHEMA,
    REQUEST_SCHEMA,
    Prompt,
)
from lauter.pipelines.ancestry import PLANNED_SCHEMA, with_lineage
from lauter.pipelines.request_ids import combinations, once, prompt_ids, request_ids
from lauter.teacher.ensemble import WhoSpeaks, who_speaks
from lauter.teacher.protocol import Capabilities, Teacher, refusal, voiced_fingerprint


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be asked (``PLANNED_SCHEMA``), and what was refused and why."""

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
    combination_of_row, first_rows = combinations(prompts, CELL_COLUMNS)
    sentences = []
    for cell in prompts.select(list(CELL_COLUMNS)).take(first_rows).to_pylist():
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
    *bound, edited = _speakers_identities(prompts, teacher)
    seeds = pa.repeat(pa.scalar(seed, pa.int64()), count)
    for name, values in zip(_BINDING, (*bound, seeds), strict=True):
        requests = requests.append_column(REQUEST_SCHEMA.field(name), values)
    requests = requests.append_column(REQUEST_SCHEMA.field("request_id"), request_ids(requests))
    requests = requests.set_column(
        requests.schema.get_field_index("prompt_id"),
        PROMPT_SCHEMA.field("prompt_id"),
        prompt_ids(requests),
    )
    requests = with_lineage(requests.select(REQUEST_SCHEMA.names), edited).cast(PLANNED_SCHEMA)
    return once(requests)


_BINDING = ("teacher", "teacher_fingerprint", "seed")


def _speakers_identities(
    prompts: pa.Table, teacher: Teacher
) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return the name and the fingerprint of who speaks each prompt, and whether it edits.

    A voice that is cloned from a recording adds that recording to the fingerprint.
    """
    who = who_speaks(teacher)
    asked = list(zip(prompts["speaker"].to_pylist(), prompts["dialect"].to_pylist(), strict=True))
    known: dict[tuple[str, str], tuple[str, str, bool]] = {}
    fingerprints: dict[int, str] = {}
    for voice in dict.fromkeys(asked):
        part, capabilities = who(*voice)
        if id(part) not in fingerprints:
            fingerprints[id(part)] = part.fingerprint()
        ours = fingerprints[id(part)]
        fingerprint = voiced_fingerprint(ours, *voice, capabilities)
        known[voice] = part.name, fingerprint, capabilities.editing
    names = pa.array([known[voice][0] for voice in asked], pa.string())
    theirs = pa.array([known[voice][1] for voice in asked], pa.string())
    return names, theirs, pa.array([known[voice][2] for voice in asked], pa.bool_())
