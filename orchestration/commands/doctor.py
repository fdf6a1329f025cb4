"""`lauter doctor`: what is here, what is missing, and how to get it."""

import os
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from lauter.datasets.errors import LauterError
from lauter.datasets.records import Prompt
from lauter.datasets.tags import Dialect
from lauter.datasets.weights import status
from lauter.filters.policy import check_examples
from lauter.orchestration.making import make_policy, make_teacher
from lauter.orchestration.run_record import PACKAGES
from lauter.pipelines.references import REFERENCE_TEXTS
from lauter.teacher.ensemble import Ensemble
from lauter.teacher.protocol import Teacher
from lauter.teacher.step_audio.teacher import StepAudio


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
    unanswered = _print_servers(console, teacher)
    policy = make_policy(settings)
    wrong = check_examples(policy)
    for sentence in wrong:
        console.print(sentence)
    console.print(f"policy '{policy.name}': {len(policy.gates)} gates, {len(wrong)} wrong examples")
    if lost or wrong or unanswered:
        console.print("what is missing above limits what can be run")
        return 2
    console.print("all is well")
    return 0


def _print_servers(console: Console, teacher: Teacher) -> bool:
    """Say of a teacher on servers whether these repeat themselves; return whether one cannot."""
    parts = teacher.parts.values() if isinstance(teacher, Ensemble) else [teacher]
    unanswered = False
    for part in parts:
        if not isinstance(part, StepAudio):
            continue
        voices = part.capabilities().voices
        if not voices:
            unanswered = True
            console.print(f"teacher '{part.name}': it has no voice that could be tried")
            continue
        voice = voices[0]
        dialect = Dialect(voice.dialect)
        prompt = Prompt(
            REFERENCE_TEXTS[dialect], dialect.language.value, voice.dialect, speaker=voice.speaker
        )
        try:
            identity = part.identity()
            said = part.repeatability(prompt)
        except LauterError as error:
            unanswered = True
            console.print(f"teacher '{part.name}': {error}")
        else:
            console.print(f"{identity.model} (version {identity.server or 'unknown'}) {said}")
        finally:
            part.close()
    return unanswered


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
