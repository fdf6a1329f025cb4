"""`lauter export`: accepted speech as WebDataset shards or Lance, with its data card."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.datasets.exported import EDIT_PAIRS
from lauter.datasets.lance_export import export_lance
from lauter.datasets.location import location_of
from lauter.datasets.shards import export_webdataset
from lauter.orchestration.durations import length_of_time
from lauter.orchestration.leave import leave_of
from lauter.orchestration.making import split_shares
from lauter.orchestration.progress import counted_progress
from lauter.orchestration.run_record import RunRecord


def run(settings: DictConfig, console: Console) -> int:
    """Write the export and say what it holds."""
    record = RunRecord("export", settings)
    options = settings.export
    corpus = Corpus.open(settings.corpus, version=options.version)
    splits = split_shares(settings)
    leave = leave_of(settings)
    with counted_progress(console, "exporting") as on_sample:
        if options.format == "webdataset":
            summary = export_webdataset(
                corpus,
                options.folder,
                seed=settings.seed,
                splits=splits,
                split_by=options.split_by,
                shard_bytes=options.shard_bytes,
                overwrite=options.overwrite,
                edit_pairs=options.edit_pairs,
                leave=leave,
                on_sample=on_sample,
            )
        else:
            summary = export_lance(
                corpus,
                options.folder,
                seed=settings.seed,
                splits=splits,
                split_by=options.split_by,
                overwrite=options.overwrite,
                edit_pairs=options.edit_pairs,
                leave=leave,
                on_sample=on_sample,
            )
    for split, pairs in summary.edit_pairs.items():
        place = summary.folder / EDIT_PAIRS.format(split=split)
        console.print(f"{pairs} edit pairs in {place}", soft_wrap=True)
    record.facts |= {
        "folder": str(location_of(options.folder).resolve()),
        "samples": summary.samples,
        "duration_s": summary.duration_s,
    }
    record.write(corpus.path, changed=False)
    shards = f"{summary.shards} shard{'' if summary.shards == 1 else 's'}"
    console.print(
        f"{summary.samples} accepted utterances, {length_of_time(summary.duration_s)}, "
        f"{shards if summary.shards else 'one Lance dataset'} in {summary.folder}, "
        f"judged under the policy '{corpus.policy_name(corpus.policies()[-1])}'"
    )
    if summary.left_out:
        names = ", ".join(f"{name} ({count})" for name, count in sorted(summary.left_out.items()))
        console.print(f"left out, as their voices may not be used: {names}")
    return 0
