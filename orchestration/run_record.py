"""``run.json``: what a run was made of and what came of it, beside the corpus it changed."""

import json
import os
import platform
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil
import pyarrow as pa
from omegaconf import DictConfig, OmegaConf

from lauter.datasets.corpus import Corpus
from lauter.datasets.location import Location, location_of, write_whole
from lauter.filters.policy import Policy
from lauter.orchestration.pricing import prices_of
from lauter.pipelines.summary import Summary, summarise

PACKAGES = (
    "lauter", "pyarrow", "pylance", "ray", "apache-beam", "torch", "onnxruntime",
    "faster-whisper", "ctranslate2", "jiwer", "webdataset", "hydra-core", "numpy",
)  # fmt: skip


@dataclass
class RunRecord:
    """Collects a run's facts; ``write`` leaves them in ``runs/<time>-<command>.json``.

    The newest record of a run that changed the corpus is also its ``run.json``.
    """

    command: str
    settings: DictConfig
    started: float = field(default_factory=time.time)
    facts: dict[str, Any] = field(default_factory=dict)
    _cores_before: float = field(default_factory=lambda: core_seconds())

    def count(self, corpus: Corpus, policy: Policy) -> Summary:
        """Add what the corpus amounts to now under ``policy``, and return it."""
        summary = summarise(corpus, policy.digest)
        prices = prices_of(self.settings)
        self.facts |= {
            "policy": {"name": policy.name, "digest": policy.digest},
            "fingerprints": _fingerprints(corpus),
            "summary": summary.as_dict(),
            "cost": {
                "price_per_core_hour": prices.per_core_hour,
                "prices": dict(prices.by_stage),
                "currency": prices.currency,
                "total": summary.cost(prices),
                "per_accepted_hour": summary.cost_per_accepted_hour(prices),
                "device_hours": prices.device_hours(summary.stage_seconds),
                "device_hours_per_accepted_hour": summary.device_hours_per_accepted_hour(prices),
                "by_stage": {
                    stage: {"seconds": spent, "price": prices.of({stage: spent})}
                    for stage, spent in summary.stage_seconds.items()
                },
            },
            "digest": corpus.digest(),
        }
        return summary

    def write(self, corpus: str | Location, *, changed: bool = True) -> Location:
        """Write the record into the corpus's folder and return its path.

        ``changed`` says whether the run changed the corpus.
        """
        wall_s = time.time() - self.started
        busy_s = core_seconds() - self._cores_before
        cores = os.cpu_count() or 1
        content = {
            "command": self.command,
            "started": datetime.fromtimestamp(self.started, UTC).isoformat(timespec="seconds"),
            "wall_s": round(wall_s, 3),
            "core_s": round(busy_s, 3),
            "core_utilisation": round(busy_s / (wall_s * cores), 4) if wall_s else 0.0,
            "machine": {
                "cores": cores,
                "memory_bytes": psutil.virtual_memory().total,
                "platform": platform.platform(),
                "python": platform.python_version(),
            },
            "versions": {name: installed_version(name) for name in PACKAGES},
            "settings": OmegaConf.to_container(self.settings, resolve=True),
            **self.facts,
        }
        place = location_of(corpus)
        folder = place / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        stamp = datetime.fromtimestamp(self.started, UTC).strftime("%Y%m%dT%H%M%S%f")
        text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
        own = folder / f"{stamp}-{self.command}.json"
        own.write_text(text, encoding="utf-8")
        if not changed:
            return own
        newest = place / "run.json"
        write_whole(newest, text)
        return newest


def runs_of(corpus: Location) -> list[dict[str, Any]]:
    """Return the records of a corpus, the oldest first."""
    files = _runs(corpus, "*.json")
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def newest_export(corpus: Location) -> Location | None:
    """Return where this corpus was exported to last, if that is still there."""
    files = _runs(corpus, "*-export.json")
    if not files:
        return None
    folder = location_of(json.loads(files[-1].read_text(encoding="utf-8"))["folder"])
    return folder if folder.is_dir() else None


def _runs(corpus: Location, names: str) -> list[Location]:
    return sorted((corpus / "runs").glob(names), key=lambda file: file.name)


def fingerprint_columns(schema: pa.Schema) -> list[str]:
    """Return the columns that say who spoke and who measured."""
    return [f.name for f in schema if f.name.endswith("_fingerprint") and f.type == pa.string()]


def _fingerprints(corpus: Corpus) -> dict[str, list[str]]:
    """Return whose speech and figures the corpus holds."""
    names = fingerprint_columns(corpus.schema)
    found: dict[str, set[str]] = {name.removesuffix("_fingerprint"): set() for name in names}
    for batch in corpus.scan(names):
        for name in names:
            values = batch[name].unique().drop_null().to_pylist()
            found[name.removesuffix("_fingerprint")].update(values)
    return {name: sorted(values) for name, values in found.items()}


def core_seconds() -> float:
    """Return core time of this process and of all its children, living or ended, in seconds."""
    here = psutil.Process()
    times = here.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in here.children(recursive=True):
        try:
            spent = child.cpu_times()
        except psutil.Error:
            continue
        total += spent.user + spent.system
    return float(total)


def installed_version(package: str) -> str | None:
    """Return the version of a package; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
