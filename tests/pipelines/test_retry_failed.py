"""What failed is tried again, and nothing that was paid for is asked for or forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from taught_student import some_codes
from wavering_teacher import POLICY, draw_of

from lauter.datasets.audio import Samples
from lauter.datasets.corpus import Corpus
from lauter.datasets.prompts.quotas import Quota
from lauter.datasets.records import SERVER_ATTEMPTS_FIELD, Request
from lauter.datasets.voices import Voice
from lauter.pipelines.cost import seconds_of
from lauter.pipelines.dead_letters import dead_letters
from lauter.pipelines.decode import Decode, Spoken
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.engines.ray import _finished
from lauter.pipelines.engines.ray_actors import FAILURE
from lauter.pipelines.plan import plan
from lauter.pipelines.retry_failed import undecoded, with_costs
from lauter.pipelines.speak import Speak
from lauter.pipelines.stage import BatchFunction, Resources
from lauter.pipelines.synthesize import Job, pipeline_of, synthesize
from lauter.teacher.attempts import Attempt
from lauter.teacher.protocol import Capabilities, Speech, UnspokenError


@dataclass(frozen=True)
class Coder:
    """Answers in codes and notes in a file whom it was asked for; ``mute`` to texts of that."""

    asked: str
    mute: str = "nothing at all"
    name: str = "coder"

    def capabilities(self) -> Capabilities:
        voices = ("ada", "ben")
        return Capabilities(
            tuple(Voice(one, "en-US", "unknown", "CC0-1.0", "none") for one in voices), codes=True
        )

    def fingerprint(self) -> str:
        return "coder-1"

    def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
        with Path(self.asked).open("a") as log:
            log.writelines(f"{one.prompt.text}\n" for one in requests)
        return [self._one(one) for one in requests]

    def _one(self, request: Request) -> Speech | Exception:
        attempts = (Attempt("http://here", "ok", 0.5, request.seed),)
        if self.mute in request.prompt.text:
            return UnspokenError("nobody answered", device_s=2.0, server_attempts=attempts)
        codes = tuple(some_codes(3, 1).tolist())
        return Speech(codes=codes, device_s=1.0, server_attempts=attempts)


@dataclass(frozen=True)
class Decoder:
    """Decodes everything to a tone, or nothing."""

    works: bool
    sample_rate: int = 8000
    fingerprint: str = "decoder-1"

    def decode(self, spoken: Sequence[Spoken]) -> list[Samples]:
        if not self.works:
            raise RuntimeError("the decoder has no memory left")
        return [np.full(4000, 0.1, np.float32) for _ in spoken]


def job(asked: Path, *, works: bool, mute: str = "nothing at all") -> Job:
    return Job(
        Speak(partial(Coder, str(asked), mute), codes=True, attempts=1),
        (),
        POLICY,
        InlineEngine(),
        decoding=Decode(partial(Decoder, works)),
        retry_failed=True,
    )


TEXTS = [f"text {number}" for number in range(4)]


def rows_of(corpus: Corpus) -> dict[str, dict[str, object]]:
    corpus.refresh()
    return {row["text"]: row for batch in corpus.scan() for row in batch.to_pylist()}


def test_codes_that_could_not_be_decoded_are_decoded_and_not_asked_for(tmp_path: Path) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    asked = tmp_path / "asked"
    draw = draw_of(TEXTS, [Quota(4)])
    teacher = Coder(str(asked))
    planned = plan(draw.prompts(draw.counts), teacher)
    assert synthesize(job(asked, works=False), planned, teacher, corpus) == 4
    failed = rows_of(corpus)
    assert all("no memory" in row["error"] and row["codes"] for row in failed.values())
    assert corpus.voices().num_rows == 0
    asked.unlink()

    assert synthesize(job(asked, works=True), planned, teacher, corpus) == 4
    told = asked.read_text().splitlines()
    assert len(told) == 1 and told[0] not in TEXTS  # the voice's reference alone
    mended = rows_of(corpus)
    assert len(mended) == 4
    for text, row in mended.items():
        assert row["error"] is None and row["audio"]
        for name in ("codes", "wall_s", "device_s", "server_attempts", "request_id"):
            assert row[name] == failed[text][name]


def test_what_is_asked_again_costs_what_it_had_cost_as_well(tmp_path: Path) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    asked = tmp_path / "asked"
    draw = draw_of(TEXTS, [Quota(4)])
    teacher = Coder(str(asked))
    planned = plan(draw.prompts(draw.counts), teacher)
    synthesize(job(asked, works=True, mute="text 1"), planned, teacher, corpus)
    before = rows_of(corpus)
    assert before["text 1"]["device_s"] == 2.0

    mended = replace(job(asked, works=True), retry_failed=True)
    assert synthesize(mended, planned, teacher, corpus) == 1
    after = rows_of(corpus)
    assert after["text 1"]["error"] is None
    assert after["text 1"]["device_s"] == 3.0
    assert after["text 1"]["wall_s"] > before["text 1"]["wall_s"]
    assert {text: after[text] for text in TEXTS if text != "text 1"} == {
        text: before[text] for text in TEXTS if text != "text 1"
    }


def test_costs_are_those_of_all_times_of_asking_whatever_came_of_them() -> None:
    attempt = {"server": "http://here", "outcome": "ok", "seconds": 1.0, "seed": 1}
    before = {"a": {"wall_s": 1.0, "device_s": 7.0, "server_attempts": [attempt]}}
    schema = pa.schema(
        [("request_id", pa.string()), ("wall_s", pa.float64()), ("device_s", pa.float64()),
         ("server_attempts", SERVER_ATTEMPTS_FIELD.type)]
    )  # fmt: skip
    batch = pa.RecordBatch.from_pylist(
        [{"request_id": "a", "wall_s": 0.5, "device_s": 0.0, "server_attempts": None},
         {"request_id": "b", "wall_s": 0.5, "device_s": 0.5, "server_attempts": [attempt]}],
        schema,
    )  # fmt: skip
    asked_before, new = with_costs(batch, before).to_pylist()
    assert seconds_of(asked_before) == {"speak": 1.5, "teacher": 7.0}
    assert seconds_of(new) == {"speak": 0.5, "teacher": 0.5}
    assert with_costs(batch, before).schema == schema


def test_what_dies_while_it_is_decoded_again_keeps_codes_and_cost(tmp_path: Path) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    draw = draw_of(TEXTS, [Quota(4)])
    teacher = Coder(str(tmp_path / "asked"))
    planned = plan(draw.prompts(draw.counts), teacher)
    for _ in range(2):
        synthesize(job(tmp_path / "asked", works=False), planned, teacher, corpus)
        corpus.refresh()
    rows = undecoded(corpus, planned.requests, Speak(Coder, codes=True))
    assert rows.num_rows == 4 and set(rows["error_kind"].to_pylist()) == {None}
    (batch,) = rows.combine_chunks().to_batches()
    schema = pipeline_of(
        job(tmp_path / "asked", works=True), planned.requests.schema, corpus.voices()
    ).schema
    for row, letter in zip(
        batch.to_pylist(),
        dead_letters(batch, schema, "the worker died", 2).to_pylist(),
        strict=True,
    ):
        assert (letter["error_kind"], letter["error"]) == ("crashed", "the worker died")
        assert all(letter[name] == row[name] for name in ("codes", "wall_s", "device_s"))


def test_a_row_that_a_later_stage_fails_on_keeps_its_codes_and_what_they_cost(
    tmp_path: Path,
) -> None:
    """The whole stage raises, and not its decoder: what failed is no row's fault."""

    @dataclass(frozen=True)
    class Broken(Decode):
        def open(self) -> BatchFunction:
            calls = iter(range(99))

            def decode(batch: pa.RecordBatch) -> pa.RecordBatch:
                # The voice's reference is decoded, and one row, so that the worker is no lost one.
                if next(calls) and "text 2" not in batch["text"].to_pylist():
                    raise RuntimeError("the card is gone")
                return Decode(self.open_decoder).open()(batch)

            return decode

    corpus = Corpus.create(tmp_path / "corpus")
    asked = tmp_path / "asked"
    draw = draw_of(TEXTS, [Quota(4)])
    teacher = Coder(str(asked))
    planned = plan(draw.prompts(draw.counts), teacher)
    broken = replace(
        job(asked, works=True), decoding=Broken(partial(Decoder, True), Resources(batch_size=1))
    )
    synthesize(broken, planned, teacher, corpus)
    failed = [row for row in rows_of(corpus).values() if row["error"]]
    assert len(failed) == 3
    for row in failed:
        assert "the card is gone" in row["error"] and row["error_kind"] == "failed"
        assert row["codes"] and row["device_s"] == 1.0 and row["wall_s"] > 0
        assert row["audio"] is None and len(row["server_attempts"]) == 1
    asked.unlink()
    assert synthesize(job(asked, works=True), planned, teacher, corpus) == 3
    assert not asked.exists()
    assert all(row["error"] is None for row in rows_of(corpus).values())


def test_what_ray_gives_up_on_keeps_what_it_had_cost(tmp_path: Path) -> None:
    made = job(tmp_path / "asked", works=True)
    teacher = Coder(str(tmp_path / "asked"))
    draw = draw_of(TEXTS, [Quota(4)])
    planned = plan(draw.prompts(draw.counts), teacher)
    corpus = Corpus.create(tmp_path / "corpus")
    synthesize(made, planned, teacher, corpus)
    corpus.refresh()
    pipeline = pipeline_of(made, planned.requests.schema, corpus.voices())
    spoken = pa.Table.from_batches(corpus.scan(pipeline.schema_after(1).names))
    crashed = {"kind": "crashed", "error": "the worker died", "attempts": 2}
    table = spoken.append_column(FAILURE, pa.array([crashed] * 4, FAILURE.type))
    letters = [row for batch in _finished(pipeline, table) for row in batch.to_pylist()]
    for letter, row in zip(letters, spoken.to_pylist(), strict=True):
        assert (letter["error_kind"], letter["audio"]) == ("crashed", None)
        for name in ("codes", "wall_s", "device_s", "server_attempts", "request_id"):
            assert letter[name] == row[name]
