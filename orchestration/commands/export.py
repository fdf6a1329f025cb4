"""`lauter export`: accepted speech as WebDataset shards or Lance, with its data card."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.lance_export import export_lance
from lauter.datasets.shards import export_webdataset


def run(settings: DictConfig, console: Console) -> int:
    """Write the export and say what it holds."""
    options = settings.export
    corpus = Corpus.open(settings.corpus, version=options.version)
    if options.format == "webdataset":
        summary = export_webdataset(
            corpus,
            options.folder,
            seed=settings.seed,
            shard_bytes=options.shard_bytes,
            overwrite=options.overwrite,
        )
    elif options.format == "lance":
        summary = export_lance(corpus, options.folder, overwrite=options.overwrite)
    else:
        raise UsageError(f"there is no export format '{options.format}'; use webdataset or lance")
    console.print(
        f"{summary.samples} accepted utterances, {summary.duration_s / 60:.1f} min, "
        f"{summary.shards} shards in {summary.folder}"
    )
    return 0
