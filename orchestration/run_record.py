"""``run.json``: what a run was made of and what came of it, beside the corpus it changed."""

import json
import os
import platform
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
from omegaconf import DictConfig, OmegaConf

PACKAGES = (
    "lauter", "pyarrow", "pylance", "ray", "apache-beam", "torch", "onnxruntime",
    "faster-whisper", "ctranslate2", "jiwer", "webdataset", "hydra-core", "numpy",
)  # fmt: skip


@dataclass
class RunRecord:
    """Collects a run's facts; ``write`` leaves them in ``runs/<time>-<command>.json``.

    The newest record of a corpus is also its ``run.json``.
    """

    command: str
    settings: DictConfig
    started: float = field(default_factory=time.time)
    facts: dict[str, Any] = field(default_factory=dict)
    _cores_before: float = field(default_factory=lambda: core_seconds())

    def write(self, corpus: str) -> Path:
        """Write the record into the corpus's folder and return its path."""
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
            "versions": {name: _version(name) for name in PACKAGES},
            "settings": OmegaConf.to_container(self.settings, resolve=True),
            **self.facts,
        }
        folder = Path(corpus) / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        stamp = datetime.fromtimestamp(self.started, UTC).strftime("%Y%m%dT%H%M%S")
        text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
        (folder / f"{stamp}-{self.command}.json").write_text(text)
        newest = Path(corpus) / "run.json"
        hidden = newest.with_suffix(".json.new")
        hidden.write_text(text)
        hidden.rename(newest)
        return newest


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


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
