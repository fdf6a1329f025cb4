"""One sentence for what Hydra says in several lines: the setting, what is wrong, what to write."""

import difflib
import re
from collections.abc import Sequence

from hydra.errors import OverrideParseException

from lauter.orchestration.setting_keys import CONFIGURATION_FOLDER, known_keys

_OPEN = ("prices", "speak.custom_resources", "score.custom_resources", "decode.custom_resources")
"""Settings whose keys are free."""


def explain(error: Exception, overrides: Sequence[str], command: str) -> str:
    """Return one sentence for Hydra's several lines, of what was asked of ``command``."""
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
        if key in _OPEN and key in lines and not override.startswith("+"):
            return f"'{key}' gets its keys by a plus before it, as in +{override}"
        if key not in (known := sorted(known_keys(_choices_of_groups(overrides)))):
            meant = " or ".join(_nearest(key, known))
            hint = f"did you mean {meant}?" if meant else f"see `lauter {command} --help`"
            return f"there is no setting '{key}'; {hint}"
        if key in lines:
            return f"the setting {override} does not fit: {_wrong_with(key, value, cause, known)}"
    return f"the configuration does not hold together: {_first_line(cause)}"


def _wrong_with(key: str, value: str, cause: BaseException, known: Sequence[str]) -> str:
    """Return what is wrong with a value, in our words for what OmegaConf says by its own types."""
    said = _first_line(cause)
    if "is not a ListConfig" in said and value[:1] not in ("{", "["):
        return f"write a list, as in {key}=[{value}]"
    if unknown := re.fullmatch(r"Key '(.+)' is not in struct", said):
        has = [name.removeprefix(f"{key}.") for name in known if name.startswith(f"{key}.")]
        return f"it has no '{unknown[1]}', but {', '.join(has)}"
    return said


def _nearest(key: str, known: Sequence[str]) -> list[str]:
    """Return the settings that may be meant: one of the same group, or of this name in others.

    Where there is neither it is the one that looks most alike.
    """
    group, _, own = key.rpartition(".")
    beside = [name.removeprefix(f"{group}.") for name in known if name.startswith(f"{group}.")]
    if group and (near := difflib.get_close_matches(own, beside, 1, cutoff=0.7)):
        return [f"{group}.{near[0]}"]
    same_name = [name for name in known if name.rsplit(".", 1)[-1] == own]
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
