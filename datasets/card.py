"""The data card: what an export holds, for whoever finds it in five years.

Its head is the one that Hugging Face datasets reads; the rest is for people: what it is for and
what it is not, contents by cell, whose voices and texts under which licence and consent and who
must be named, what was refused and why, with what it was made and measured, and how to load it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from lauter.datasets.croissant import licences
from lauter.datasets.exported import SPEECH, ExportSummary
from lauter.datasets.hugging_face import front_matter
from lauter.datasets.selection import Selection
from lauter.datasets.store_path import StorePath

TEACHER_FINGERPRINT = "teacher_fingerprint"


def data_card(selection: Selection, export: ExportSummary) -> str:
    """Return the card of an export, in Markdown."""
    sections = [
        _summary(selection, export),
        _use(selection),
        _contents(selection),
        _origins(selection),
        _attribution(selection),
        _refused(selection),
        _made_with(selection),
        _loading_lance(export) if export.shards == 0 else _loading_shards(export),
    ]
    head = "" if export.shards == 0 else front_matter(selection)
    return head + "\n".join(line for section in sections for line in (*section, ""))


def _summary(selection: Selection, export: ExportSummary) -> list[str]:
    elsewhere = selection.tally.elsewhere
    made = export.samples - elsewhere
    origin = (
        "**All of it is synthetic speech.** Say so wherever it is heard."
        if not elsewhere
        else f"**{made} of them are synthetic speech**, {elsewhere} came from elsewhere."
    )
    splits = ", ".join(f"{name} {count}" for name, count in export.splits.items())
    return [
        "# Data card",
        "",
        f"{export.samples} utterances, {export.duration_s / 60:.1f} minutes, "
        f"{export.audio_bytes / 1e6:.1f} MB of FLAC; splits: {splits}. {origin}",
        "",
        f"Corpus digest `{selection.corpus.digest(selection.policy)}`, "
        f"policy `{selection.corpus.policy_name(selection.policy)}` (`{selection.policy}`).",
    ]


def _use(selection: Selection) -> list[str]:
    """What the data are for, and what they cannot tell."""
    tally = selection.tally
    scorers = [name for name in tally.fingerprints if name != TEACHER_FINGERPRINT]
    measured = ", ".join(name.removesuffix("_fingerprint") for name in scorers) or "nothing"
    synthetic = [] if tally.elsewhere == tally.teachers.total() else [
        "- A student learns its teachers' mistakes and habits from synthetic speech; "
        "measure it on recordings of people too.",
    ]  # fmt: skip
    not_commercial = sorted(name for name in licences(selection) if "-NC" in _spdx(name))
    return [
        "## Intended use and limits",
        "",
        "For training and evaluating speech synthesis, recognition and dialogue. Not for passing "
        "it off as the recording of a person, and not for imitating anybody beyond what the "
        "consents below allow.",
        "",
        f"- {_counted(tally.speakers, 'voice')} in {_counted(tally.languages, 'language')} "
        f"({', '.join(sorted(tally.languages))}): what is learned from them holds for others only "
        "where that was tested.",
        *synthetic,
        f"- Machines judged it, nobody listened to each utterance. They measured: {measured}. "
        "A figure that is null did not apply to its utterance.",
        {
            "text": "- Splits are drawn by text: no sentence is in two of them, but voices are in "
            "all.",
            "speaker": "- Splits are drawn by speaker: no voice is in two of them, but sentences "
            "may be in all.",
        }[selection.split_by],
        *([f"- {', '.join(not_commercial)} forbids commercial use."] if not_commercial else []),
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
        [speaker, voice["dialect"], voice["gender"], voice["licence"], _leave(voice),
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
        *_table(["speaker", "dialect", "gender", "licence", "consent", "utterances"], rows),
        "",
        "## Texts and their licences",
        "",
        *_table(
            ["source", "licence", "utterances"],
            [
                [source or "not stated", licence or "not stated", count]
                for (source, licence), count in sorted(tally.texts.items())
            ],
        ),
        "",
        f"All licences together: {', '.join(licences(selection)) or 'none stated'}.",
    ]


def _leave(voice: Mapping[str, Any]) -> str:
    """Return by whom and for what a voice may be used, and until when."""
    uses, parts = voice["allowed_uses"], voice["made_of"]
    told = [
        voice["consent"],
        voice["owner"] and f"owner: {voice['owner']}",
        uses and f"for {', '.join(uses)}",
        voice["expires"] and f"until {voice['expires']}",
        parts and f"made of {', '.join(parts)}",
    ]
    return "; ".join(part for part in told if part)


def _attribution(selection: Selection) -> list[str]:
    """Whom the licences ask to name."""
    spoken, texts = selection.tally.speakers, selection.tally.texts
    voices = selection.corpus.voices().select(["speaker", "licence", "consent"]).to_pylist()
    owed = [
        f"- voice {voice['speaker']}: {voice['consent']} ({voice['licence']})"
        for voice in voices
        if spoken[voice["speaker"]] and _asks_for_names(voice["licence"])
    ]
    owed += [
        f"- texts: {source or 'source not stated'} ({licence})"
        for source, licence in texts
        if _asks_for_names(licence)
    ]
    if not owed:
        return ["## Attribution", "", "No licence above is one that asks for a name."]
    return [
        "## Attribution",
        "",
        "These licences ask that the following stands wherever this speech is published, and that "
        "it is said that the voices were synthesised and edited:",
        "",
        *sorted(set(owed)),
    ]


def _asks_for_names(licence: str) -> bool:
    return _spdx(licence).startswith("CC-BY")


def _spdx(licence: str) -> str:
    """Return a licence's name in the form of SPDX, in capitals, however it was written."""
    return licence.strip().upper().replace(" ", "-")


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
    lines += [
        f"\nLeft out of this export: {count} utterances, for {selection.forbidden[speaker]}."
        for speaker, count in sorted(tally.left_out.items())
    ]
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
    parts = " ".join(f"--split-parts '{name}:{name}/.*'" for name in export.splits)
    return f"""\
## How to load it

A sample's key is its request id. `<key>.flac` is the audio; `<key>.json` is a recording's manifest
as Lhotse wants it, and the sample's record (text, dialect, emotion, figures, …) is
`["sources"][0]["source"]` in it. `samples.parquet` has all records in one table.

With **Lauter**, exactly resumable in the middle of an epoch:

```python
from lauter.datasets.loader import SpeechLoader

for samples, state in SpeechLoader("{_where(export)}", split="{split}", batch_size=16):
    print(samples[0].record["text"], samples[0].clip.duration_s)
```
{_copied_first(export)}
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
energon prepare {export.folder.name} --non-interactive --sample-type CrudeWebdataset {parts}
```

A cooker of yours then finds `flac` and `json` in each sample.""".split("\n")


def _loading_lance(export: ExportSummary) -> list[str]:
    split = next(iter(export.splits))
    return f"""\
## How to load it

With **Lauter**, exactly resumable in the middle of an epoch:

```python
from lauter.datasets.loader import SpeechLoader

for samples, state in SpeechLoader("{_where(export)}", split="{split}", batch_size=16):
    print(samples[0].record["text"], samples[0].clip.duration_s)
```

With **Lance**:

```python
import lance

speech = lance.dataset("{_where(export)}/{SPEECH}")
print(speech.take([0], columns=["text", "audio"]).to_pylist())
```""".split("\n")


def _where(export: ExportSummary) -> str:
    """Return how an example names the export: from the folder that it lies in, or by its URL."""
    return str(export.folder) if isinstance(export.folder, StorePath) else export.folder.name


def _copied_first(export: ExportSummary) -> str:
    if not isinstance(export.folder, StorePath):
        return ""
    return f"\nThose that follow read a folder: copy {export.folder} into one of its name first.\n"


def _counted(things: Collection[str], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a Markdown table; bars and line ends in cells cannot break it."""
    return [
        f"| {' | '.join(header)} |",
        "|" + "---|" * len(header),
        *(f"| {' | '.join(map(_cell, row))} |" for row in rows),
    ]


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
