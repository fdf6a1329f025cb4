"""`lauter doctor`: what is here, what is missing, and how to get it."""

import os
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from lauter.datasets.weights import status
from lauter.filters.policy import check_examples
from lauter.orchestration.making import make_policy, make_teacher
from lauter.orchestration.run_record import PACKAGES


def run(settings: DictConfig, console: Console) -> int:
    """Print versions, weights, the teacher's abilities and the policy's own examples.

    Returns 2 where something is missing or wrong.
    """
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    memory = psutil.virtual_memory().available / 2**30
    console.print(f"{os.cpu_count()} cores, {memory:.1f} GiB memory and {free:.1f} GiB disk free")
    _print_packages(console)
    lost = _print_weights(console)
    _, teacher = make_teacher(settings)
    abilities = teacher.capabilities()
    console.print(
        f"teacher '{teacher.name}': {len(abilities.voices)} voices of "
        f"{', '.join(abilities.dialects)}; emotions {', '.join(abilities.emotion_levels)}; "
        f"styles {', '.join(abilities.styles)}"
    )
    policy = make_policy(settings)
    wrong = check_examples(policy)
    for sentence in wrong:
        console.print(sentence)
    console.print(f"policy '{policy.name}': {len(policy.gates)} gates, {len(wrong)} wrong examples")
    if lost or wrong:
        console.print("what is missing above limits what can be run")
        return 2
    console.print("all is well")
    return 0


def _print_packages(console: Console) -> None:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} missing")
    console.print(", ".join(found))


def _print_weights(console: Console) -> bool:
    """Print each weight; return whether one is not there at all."""
    table = Table(title="Models on disk", title_justify="left")
    for name in ("weights", "role", "licence", "here", "what to do"):
        table.add_column(name)
    missing = False
    for weight in status():
        missing = missing or weight.path is None
        here = "yes" if weight.path and not weight.problem else weight.problem or "no"
        advice = f"{weight.install} ({weight.lost})" if weight.lost else weight.install
        table.add_row(weight.name, weight.role, weight.licence, here, advice)
    console.print(table)
    return missing
