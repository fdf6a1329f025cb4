"""The data card: what an export holds, for whoever finds it in five years.

Its head is the one that Hugging Face datasets reads; the rest is for people: contents by cell,
whose voices and texts under which licence and consent, what was refused and why, with what it was
made and measured, and how to load it.
"""

from collections.abc import Iterable, Sequence

from lauter.datasets.croissant import licences
from lauter.datasets.exported import SPEECH, ExportSummary
from lauter.datasets.hugging_face import front_matter
from lauter.datasets.selection import Selection


def data_card(selection: Selection, export: ExportSummary) -> str:
    """Return the card of an export, in Markdown."""
    sections = [
        _summary(selection, export),
        _contents(selection),
        _origins(selection),
        _refused(selection),
        _made_with(selection),
        _loading_lance(export) if export.shards == 0 else _loading_shards(export),
    ]
    head = "" if export.shards == 0 else front_matter(selection)
    return head + "\n".join(line for section in sections for line in (*section, ""))


def _summary(selection: Selection, export: ExportSummary) -> list[str]:
    imported = selection.tally.teachers["import"]
    made = export.samples - imported
    origin = (
        "**All of it is synthetic speech.** Say so wherever it is heard."
        if not imported
        else f"**{made} of them are synthetic speech**, {imported} came from elsewhere."
    )
    splits = ", ".join(f"{name} {count}" for name, count in export.splits.items())
    return [
        "# Data card",
        "",
        f"{export.samples} utterances, {export.duration_s / 3600:.3f} hours, "
        f"{export.audio_bytes / 1e6:.1f} MB of FLAC; splits: {splits}. {origin}",
        "",
        f"Corpus digest `{selection.corpus.digest()}`, "
        f"policy `{selection.corpus.policy_name(selection.policy)}` (`{selection.policy}`).",
    ]


def _contents(selection: Selection) -> list[str]:
    """The cells of the corpus that the export was taken from."""
    total = selection.tally.total
    rows = [
        [*cell, tally.asked, tally.spoken, tally.accepted, f"{tally.accepted_s / 60:.2f}"]
        for cell, tally in sorted(selection.tally.cells.items())
    ]
    sums = ["all", "", "", total.asked, total.spoken, total.accepted]
    header = ["dialect", "emotion", "style", "asked", "spoken", "accepted", "accepted minutes"]
    return [
        "## Contents by cell",
        "",
        *_table(header, [*rows, [*sums, f"{total.accepted_s / 60:.2f}"]]),
    ]


def _origins(selection: Selection) -> list[str]:
    tally = selection.tally
    voices = {
        (voice["speaker"], voice["dialect"]): voice
        for voice in selection.corpus.voices().drop_columns(["reference_audio"]).to_pylist()
    }
    known = {speaker for speaker, _ in voices}
    rows = [
        [speaker, voice["dialect"], voice["gender"], voice["licence"], voice["consent"],
         tally.speakers[speaker]]
        for (speaker, _), voice in sorted(voices.items())
        if tally.speakers[speaker]
    ]  # fmt: skip
    rows += [
        [speaker, "", "", "not stated", "not stated", count]
        for speaker, count in sorted(tally.speakers.items())
        if speaker not in known
    ]
    return [
        "## Voices, their licences and consents",
        "",
        *_table(["speaker", "dialect", "gender", "licence", "consent", "accepted"], rows),
        "",
        "## Texts and their licences",
        "",
        *_table(
            ["source", "licence", "accepted"],
            [
                [source or "not stated", licence or "not stated", count]
                for (source, licence), count in sorted(tally.texts.items())
            ],
        ),
        "",
        f"All licences together: {', '.join(licences(selection)) or 'none stated'}.",
    ]


def _refused(selection: Selection) -> list[str]:
    tally = selection.tally
    rows = [[gate, reason, count] for (gate, reason), count in tally.refused.most_common()]
    lines = ["## What was refused, and why", ""]
    if rows:
        lines += _table(["gate", "reason", "utterances"], rows)
        lines += ["", "An utterance counts at each gate that it failed."]
    else:
        lines += ["No utterance failed a gate."]
    if tally.errors:
        kinds = ", ".join(f"{kind} {count}" for kind, count in tally.errors.most_common())
        lines += ["", f"Never became speech: {kinds}."]
    if tally.unjudged:
        lines += ["", f"Not judged, and so not accepted: {tally.unjudged}."]
    return lines


def _made_with(selection: Selection) -> list[str]:
    rows = [
        [name.removesuffix("_fingerprint"), f"`{fingerprint}`"]
        for name, fingerprints in selection.tally.fingerprints.items()
        for fingerprint in sorted(fingerprints)
    ]
    policy = selection.corpus.policy_yaml(selection.policy)
    return [
        "## Made and measured with",
        "",
        *_table(["teacher or scorer", "fingerprint"], rows),
        "",
        "<details><summary>The policy</summary>",
        "",
        "```yaml",
        policy.rstrip("\n"),
        "```",
        "</details>",
    ]


def _loading_shards(export: ExportSummary) -> list[str]:
    split = next(iter(export.splits))
    return f"""\
## How to load it

A sample's key is its request id. `<key>.flac` is the audio; `<key>.json` is a recording's manifest
as Lhotse wants it, and the sample's record (text, dialect, emotion, figures, …) is
`["sources"][0]["source"]` in it. `samples.parquet` has all records in one table.

With **Lauter**, exactly resumable in the middle of an epoch:

```python
from lauter.datasets.loader import SpeechLoader

for samples, state in SpeechLoader("{export.folder.name}", split="{split}", batch_size=16):
    print(samples[0].record["text"], samples[0].clip.duration_s)
```

With **webdataset**:

```python
import glob, webdataset

tars = sorted(glob.glob("{export.folder.name}/{split}/*.tar"))
for sample in webdataset.WebDataset(tars, shardshuffle=False).decode():
    record = sample["json"]["sources"][0]["source"]
    print(sample["__key__"], record["text"], len(sample["flac"]))
```

With **Lhotse**, as Shar:

```python
import glob
from lhotse import CutSet

folder = "{export.folder.name}/{split}"
cuts = CutSet.from_shar(fields={{
    "cuts": sorted(glob.glob(f"{{folder}}/cuts.*.jsonl.gz")),
    "recording": sorted(glob.glob(f"{{folder}}/recording.*.tar")),
}})
for cut in cuts:
    print(cut.supervisions[0].text, cut.emotion, cut.load_audio().shape)
```

With **Hugging Face datasets**, which finds the types in this card's head:

```python
from datasets import load_dataset

for row in load_dataset("{export.folder.name}", split="{split}", streaming=True):
    print(row["json"]["sources"][0]["source"]["text"], len(row["flac"]))
```

With **Megatron-Energon**, once it has written its index:

```shell
energon prepare {export.folder.name} --num-workers 2
```

choosing `CrudeWebdataset` as the sample type; each sample then has `flac` and `json`.""".split(
        "\n"
    )


def _loading_lance(export: ExportSummary) -> list[str]:
    split = next(iter(export.splits))
    return f"""\
## How to load it

With **Lauter**, exactly resumable in the middle of an epoch:

```python
from lauter.datasets.loader import SpeechLoader

for samples, state in SpeechLoader("{export.folder.name}", split="{split}", batch_size=16):
    print(samples[0].record["text"], samples[0].clip.duration_s)
```

With **Lance**:

```python
import lance

speech = lance.dataset("{export.folder.name}/{SPEECH}")
print(speech.take([0], columns=["text", "audio"]).to_pylist())
```""".split("\n")


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a Markdown table; bars and line ends in cells cannot break it."""
    return [
        f"| {' | '.join(header)} |",
        "|" + "---|" * len(header),
        *(f"| {' | '.join(map(_cell, row))} |" for row in rows),
    ]


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
