"""The data card: what an export holds, for whoever finds it in five years."""

from collections import Counter

from lauter.datasets.corpus import Corpus
from lauter.datasets.shards import ExportSummary


def data_card(corpus: Corpus, export: ExportSummary, policy: str | None = None) -> str:
    """Return Markdown: contents, voices and licences, what was refused and why, how to load."""
    cells: Counter[tuple[str, str, str]] = Counter()
    licences: Counter[tuple[str, str]] = Counter()
    refused: Counter[str] = Counter()
    fingerprints = [name for name in corpus.schema.names if name.endswith("_fingerprint")]
    made_with: dict[str, set[str]] = {name: set() for name in fingerprints}
    columns = ["dialect", "emotion", "style", "text_source", "text_licence", *fingerprints]
    for batch in corpus.scan_judged(columns, policy=policy):
        for row in batch.to_pylist():
            if row["accepted"]:
                cells[row["dialect"], row["emotion"], row["style"]] += 1
                licences[row["text_source"], row["text_licence"]] += 1
            for failed in row["failed_gates"] or ():
                refused[failed["gate"]] += 1
            for name in fingerprints:
                if row[name]:
                    made_with[name].add(row[name])
    voices = corpus.voices().drop_columns(["reference_audio"]).to_pylist()
    lines = [
        "# Data card",
        "",
        f"Speech made and measured by Lauter: {export.samples} utterances, "
        f"{export.duration_s / 3600:.3f} hours, {export.shards} shards, "
        f"corpus digest `{corpus.digest()}`. **All of it is synthetic** unless its teacher is "
        "`import`.",
        "",
        "## Contents",
        "",
        "| dialect | emotion | style | utterances |",
        "|---|---|---|---|",
        *(f"| {d} | {e} | {s} | {count} |" for (d, e, s), count in sorted(cells.items())),
        "",
        "## Voices",
        "",
        "| speaker | dialect | licence | consent |",
        "|---|---|---|---|",
        *(f"| {v['speaker']} | {v['dialect']} | {v['licence']} | {v['consent']} |" for v in voices),
        "",
        "## Texts",
        "",
        *(f"- {source}: {licence}, {count}" for (source, licence), count in licences.items()),
        "",
        "## What was refused",
        "",
        *(f"- {gate}: {count}" for gate, count in refused.most_common()),
        "",
        "## Made with",
        "",
        *(f"- {name}: {', '.join(sorted(values))}" for name, values in made_with.items() if values),
        "",
        "## Load it",
        "",
        "```python",
        "import webdataset",
        "import glob",
        'samples = webdataset.WebDataset(sorted(glob.glob("shard-*.tar")), shardshuffle=False)',
        "```",
        "",
    ]
    return "\n".join(lines)
