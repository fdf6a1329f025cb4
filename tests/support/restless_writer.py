"""A writer that does everything a writer can, five rows at a time, until it is killed."""

import sys

import pyarrow as pa
from canned_utterances import utterances

from lauter.datasets.corpus import Corpus
from lauter.datasets.records import VERDICT_SCHEMA


def write_for_ever(path: str) -> None:
    corpus = Corpus.create(path, exist_ok=True)
    with corpus.writing(rows_per_commit=5) as writer:
        print("writing", flush=True)
        first = corpus.count()
        for number in range(first, 1_000_000, 5):
            new = utterances(range(number, number + 5), audio_bytes=50_000)
            ids = new["request_id"]
            writer.append(new)
            writer.put_scores(pa.table({"request_id": ids, "mos": [float(number)] * 5}))
            accepted = pa.array([True] * 5)
            no_gates = pa.array([[]] * 5, VERDICT_SCHEMA.field("failed_gates").type)
            columns = [ids, pa.array(["p1"] * 5), accepted, no_gates]
            verdicts = pa.table(columns, schema=VERDICT_SCHEMA)
            writer.put_verdicts("strict", f"p{number % 3}", "", verdicts)
            if number % 50 == 0:
                writer.compact()


if __name__ == "__main__":
    write_for_ever(sys.argv[1])
