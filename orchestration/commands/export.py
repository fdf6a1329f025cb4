"""`lauter export`: accepted speech as WebDataset shards or Lance, with its data card."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.lance_export import export_lance
from lauter.datasets.shards import export_webdataset
from lauter.orchestration.progress import counted_progress


def run(settings: DictConfig, console: Console) -> int:
    """Write the export and say what it holds."""
    options = settings.export
    if options.format not in ("webdataset", "lance"):
        raise UsageError(f"there is no export format '{options.format}'; use webdataset or lance")
    corpus = Corpus.open(settings.corpus, version=options.version)
    with counted_progress(console, "exporting") as on_sample:
        if options.format == "webdataset":
            summary = export_webdataset(
                corpus,
                options.folder,
                seed=settings.seed,
                shard_bytes=options.shard_bytes,
                overwrite=options.overwrite,
                on_sample=on_sample,
            )
        else:
            summary = export_lance(
                corpus,
                options.folder,
                seed=settings.seed,
                overwrite=options.overwrite,
                on_sample=on_sample,
            )
    kind = f"{summary.shards} shards" if summary.shards else "one Lance dataset"
    console.print(
        f"{summary.samples} accepted utterances, {summary.duration_s / 60:.1f} min, "
        f"as {kind} in {summary.folder}"
    )
    return 0
