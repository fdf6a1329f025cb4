"""The settings in words, for ``--help``: each with its value and its meaning.

The meanings are the docstrings under the fields in ``settings.py``, and the comments over the keys
in ``conf/``; so they stand in one place only.
"""

import ast
import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from lauter.orchestration import settings as described
from lauter.orchestration.loading import load_settings
from lauter.orchestration.setting_keys import CONFIGURATION_FOLDER


def describe(overrides: Sequence[str] = ()) -> str:
    """Return the groups with their options, then every setting, its value and its meaning.

    Values are those with ``overrides``. Raises as ``load_settings`` does.
    """
    settings = load_settings(overrides)
    groups = sorted(path.name for path in CONFIGURATION_FOLDER.iterdir() if path.is_dir())
    lines = ["Groups (choose one of each; each file in orchestration/conf explains its keys):"]
    for group in groups:
        options = sorted(path.stem for path in (CONFIGURATION_FOLDER / group).glob("*.yaml"))
        lines.append(f"  {group}={'|'.join(options)}")
    lines += ["", "Settings and their values as they are now:"]
    lines += _told(settings, "Settings", "", set(groups))
    lines += ["", "What is chosen of the groups:"]
    chosen = {group: settings[group] for group in groups}
    lines.append(OmegaConf.to_yaml(OmegaConf.create(chosen)))
    return "\n".join(lines)


def _told(node: DictConfig, kind: str, prefix: str, groups: set[str]) -> Iterator[str]:
    for name, (meaning, inner) in _fields(kind).items():
        if inner in dir(described):
            yield from _told(node[name], inner, f"{prefix}{name}.", groups)
        elif name not in groups:
            setting = f"{prefix}{name}={_written(node[name])}"
            yield f"  {setting:<32}  {meaning}"


def _fields(kind: str) -> dict[str, tuple[str, str]]:
    """Return, for each field of a settings class, its meaning and the name of its type."""
    (tree,) = ast.parse(inspect.getsource(getattr(described, kind))).body
    assert isinstance(tree, ast.ClassDef)
    fields = {}
    for position, statement in enumerate(tree.body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            after = tree.body[position + 1] if position + 1 < len(tree.body) else None
            told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            meaning = str(after.value.value) if told else ""  # type: ignore[union-attr]
            fields[statement.target.id] = (meaning, ast.unparse(statement.annotation))
    return fields


def _written(value: Any) -> str:
    return (
        "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )
