"""Who a voice is made of goes along with its speech, so leave is asked of the right people."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from judged_corpus import SOMEONE, judged_corpus

from lauter.datasets.consent import Consent, Event, Leave
from lauter.datasets.errors import UsageError
from lauter.datasets.exported import VOICES_FILE
from lauter.datasets.exported_speakers import check_leave, speakers_in
from lauter.datasets.exported_voices import exported_voices
from lauter.datasets.lance_export import export_lance
from lauter.datasets.shards import export_webdataset
from lauter.datasets.voices import VOICE_SCHEMA, Use, voice_row

ADA = replace(SOMEONE, speaker="ada", identity="ada_example", made_of=("kumo",), owner="Ada")


@pytest.mark.parametrize("export", [export_webdataset, export_lance])
def test_a_withdrawal_reaches_whoever_is_made_of_the_voice_in_an_export(
    tmp_path: Path, export: object
) -> None:
    corpus = judged_corpus(tmp_path / "corpus", voice=ADA)
    with corpus.writing() as writer:
        silent = voice_row(replace(SOMEONE, speaker="silent"), None, None)
        writer.put_voices(pa.Table.from_pylist([silent], schema=VOICE_SCHEMA))
    export(corpus, tmp_path / "e")  # type: ignore[operator]
    assert exported_voices(tmp_path / "e") == [ADA]
    assert speakers_in(tmp_path / "e", "train") == {"ada"}
    for name in ("ada", "ada_example", "kumo"):
        said = Consent("2026-05-03T12:00:00+00:00", name, Event.WITHDRAWN, "herself")
        leave = Leave(Use.RESEARCH, date(2026, 11, 22), ledger=(said,))
        with pytest.raises(UsageError, match=r"may not be used: the .*; export its corpus"):
            check_leave(tmp_path / "e", "train", leave)
    check_leave(tmp_path / "e", "train", Leave(Use.RESEARCH, date(2026, 11, 22)))
    (tmp_path / "e" / VOICES_FILE).write_text("[5]")
    with pytest.raises(UsageError, match=r"cannot be read .*; export again"):
        exported_voices(tmp_path / "e")
    (tmp_path / "e" / VOICES_FILE).unlink()
    assert exported_voices(tmp_path / "e") == []
