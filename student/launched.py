"""One of the processes that ``launch`` starts: ``python -m lauter.student.launched JOB``.

The job is a file of JSON: settings, and the evaluation's maker. What came of it is written beside
it, so that the starting process can say it as if it had trained itself: exit codes and standard
error of several processes tell no story.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from lauter.datasets.errors import LauterError


def main(job: Path) -> int:
    """Train as the job says, and return the exit code."""
    import torch.distributed as dist

    code = work(job)
    if code == 0:
        dist.barrier()
        dist.destroy_process_group()
    return code


def work(job: Path) -> int:
    """Train as the job says, write the outcome, and return the exit code.

    What is nobody's fault but ours is raised.
    """
    from lauter.student.train import train
    from lauter.student.training_settings import settings_from

    told = json.loads(job.read_text(encoding="utf-8"))
    outcome = outcome_of(job)
    try:
        evaluation = made_evaluation(told["evaluation"])
        result = train(settings_from(told["settings"]), speak_evaluation=evaluation)
    except LauterError as error:
        _write(outcome, {"error": str(error), "exit_code": error.exit_code})
        return error.exit_code
    except KeyboardInterrupt:
        _write(outcome, {"stopped": True})
        return 1
    # All ranks come to the same; each writes a file of its own and moves it there.
    _write(outcome, {"result": asdict(result) | {"student": str(result.student)}})
    return 0


def outcome_of(job: Path) -> Path:
    """Return where the processes of a job write what came of it."""
    return job.with_suffix(".outcome")


def made_evaluation(spec: Mapping[str, Any] | None) -> Any:
    """Return what ``spec`` makes: ``factory`` (``module:function``) with its settings."""
    if spec is None:
        return None
    module, _, name = spec["factory"].partition(":")
    return getattr(import_module(module), name)(**spec["settings"])


def _write(path: Path, outcome: Mapping[str, Any]) -> None:
    hidden = path.with_suffix(f".{os.getpid()}")
    hidden.write_text(json.dumps(outcome), encoding="utf-8")
    hidden.replace(path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
