"""Reference recordings: each voice says one neutral sentence, once for a corpus.

Speaker similarity and prosody are measured against it. Voices that the corpus already has are
not asked again. A teacher that lends a voice brings the recording of whom it belongs to: measured
against its own imitation, any imitation would be like.
"""

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.prompts.table import table_from_prompts
from lauter.datasets.records import Prompt, dialect_language
from lauter.datasets.tags import Dialect
from lauter.datasets.voices import VOICE_SCHEMA, voice_row
from lauter.pipelines.engines.protocol import Engine
from lauter.pipelines.plan import plan
from lauter.pipelines.stage import Pipeline, Stage
from lauter.teacher.protocol import Teacher, own_reference

REFERENCE_TEXTS = {
    Dialect.EN_US: "In the morning we walked along the river and counted the boats going by.",
    Dialect.EN_GB: "In the morning we walked along the river and counted the boats going by.",
    Dialect.MANDARIN: "早上我们沿着河边散步，数着一艘一艘经过的小船。",
    Dialect.CANTONESE: "朝早我哋沿住河边散步，数住一只一只经过嘅船仔。",
    Dialect.SICHUANESE: "早上我们顺到河边走，数到一只一只过路的小船。",
    Dialect.JAPANESE: "朝、私たちは川に沿って歩きながら、通り過ぎる船を数えました。",
    Dialect.KOREAN: "아침에 우리는 강을 따라 걸으며 지나가는 배를 세었습니다.",
}
"""Plain sentences of about five seconds with most of their language's vowels."""


def reference_voices(
    requests: pa.Table,
    known: pa.Table,
    teacher: Teacher,
    voicing: tuple[Stage, ...],
    engine: Engine,
) -> pa.Table:
    """Return the voices (``VOICE_SCHEMA``) that ``requests`` need and ``known`` lacks.

    ``voicing`` are the stages from a request to its sound. A voice whose reference could not be
    spoken is left out: its similarity is then *not applicable*, and the utterances themselves say
    why speaking fails.
    """
    wanted = {
        (row["speaker"], row["dialect"])
        for row in requests.group_by(["speaker", "dialect"]).aggregate([]).to_pylist()
    } - set(zip(known["speaker"].to_pylist(), known["dialect"].to_pylist(), strict=True))
    voices = {(v.speaker, v.dialect): v for v in teacher.capabilities().voices}
    rows = [
        voice_row(voices[pair], brought.text, brought.audio)
        for pair in sorted(wanted & voices.keys())
        if (brought := own_reference(teacher, *pair)) is not None
    ]
    wanted -= {(row["speaker"], row["dialect"]) for row in rows}
    prompts = [
        Prompt(
            REFERENCE_TEXTS[Dialect(dialect)], dialect_language(dialect), dialect, speaker=speaker
        )
        for speaker, dialect in sorted(wanted)
        if (speaker, dialect) in voices
    ]
    if prompts:
        asked = plan(table_from_prompts(prompts), teacher).requests
        spoken = pa.Table.from_batches(list(engine.run(Pipeline(asked.schema, voicing), asked)))
        rows += [
            voice_row(voices[row["speaker"], row["dialect"]], row["text"], row["audio"])
            for row in spoken.filter(pc.is_valid(spoken["audio"])).to_pylist()
        ]
    return pa.Table.from_pylist(rows, schema=VOICE_SCHEMA)
