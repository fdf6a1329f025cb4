"""One sentence for what Hydra says in several lines: the setting, what is wrong, what to write."""

import difflib
import re
from collections.abc import Sequence

from hydra.errors import OverrideParseException

from lauter.orchestration.setting_keys import CONFIGURATION_FOLDER, known_keys

_OPEN = ("prices", "speak.custom_resources", "score.custom_resources", "decode.custom_resources")
"""Settings whose keys are free."""


def explain(error: Exception, overrides: Sequence[str]) -> str:
    """Return one sentence for Hydra's several lines."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    lines = f"{error}\n{cause}"
    for override in overrides:
        key = override.lstrip("+~").split("=", 1)[0]
        if "=" not in override:
            return f"'{override}' is no setting; write key=value, for example corpus=my-corpus"
        if isinstance(cause, OverrideParseException):
            if override != cause.override:
                continue
            return f"the setting {override} cannot be read; put quotes round its value"
        value = override.split("=", 1)[1]
        if "/" in key or (CONFIGURATION_FOLDER / key).is_dir():
            options = sorted(path.stem for path in (CONFIGURATION_FOLDER / key).glob("*.yaml"))
            if value in options:
                continue
            if "." not in key:
                near = difflib.get_close_matches(value, options, 1)
                hint = f"did you mean {key}={near[0]}?" if near else "choose one of these"
                return f"there is no {key} '{value}'; {hint} ({', '.join(options)})"
        if any(key.startswith(f"{table}.") for table in _OPEN):
            if not override.startswith("+"):
                return f"'{key}' is a key of its own: put a plus before it, as in +{key}={value}"
            if key in lines:
                return f"the setting {override} does not fit: {_first_line(cause)}"
            continue
        if key not in (known := sorted(known_keys(_choices_of_groups(overrides)))):
            near = _nearest(key, known)
            hint = f"did you mean {' or '.join(near)}?" if near else "see `lauter plan --help`"
            return f"there is no setting '{key}'; {hint}"
        if key in lines:
            return f"the setting {override} does not fit: {_first_line(cause)}"
    return f"the configuration does not hold together: {_first_line(cause)}"


def _nearest(key: str, known: Sequence[str]) -> list[str]:
    """Return the settings of this name in other groups, else the one that looks most alike."""
    same_name = [name for name in known if name.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]]
    return same_name or difflib.get_close_matches(key, known, 1, cutoff=0.7)


def _first_line(error: BaseException) -> str:
    return re.sub(r"\s+", " ", str(error).strip().split("\n", 1)[0])


def _choices_of_groups(overrides: Sequence[str]) -> list[str]:
    """Return those of ``overrides`` that choose one of a group's files, such as teacher=fast."""
    chosen = (override.partition("=") for override in overrides)
    return [
        f"{group}={name}"
        for group, _, name in chosen
        if (CONFIGURATION_FOLDER / group / f"{name}.yaml").is_file()
    ]
