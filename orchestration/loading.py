"""Composing the configuration: Hydra composes, OmegaConf checks types, the rest is checked here."""

import re
from collections.abc import Sequence

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from lauter.datasets.errors import UsageError
from lauter.orchestration.setting_errors import explain
from lauter.orchestration.setting_keys import CONFIGURATION_FOLDER
from lauter.orchestration.setting_ranges import check_ranges
from lauter.orchestration.settings import Settings

_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_TEXTS = (
    "speaking.text", "speaking.reference_text", "consent.voice", "consent.by", "consent.note",
    "voices.text", "voices.consent", "voices.owner",
    "trace.file", "editing.text", "derive.where",
)  # fmt: skip


def load_settings(overrides: Sequence[str], command: str = "plan") -> DictConfig:
    """Compose the configuration with ``overrides`` (Hydra's ``key=value`` grammar).

    Raises ``UsageError`` for an unknown key, with the nearest known ones or where ``command`` lists
    them, and for a wrong type.
    """
    ConfigStore.instance().store(name="schema", node=Settings)
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONFIGURATION_FOLDER), version_base="1.3"):
            settings = compose("lauter", overrides=[_literal(one) for one in overrides])
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(explain(error, overrides, command)) from error
    check_ranges(settings)
    return settings


def _literal(override: str) -> str:
    """Return an override whose value is a text so that none of its signs means anything to Hydra.

    One that stands in quotes already, and null, are left to it.
    """
    key, _, value = override.lstrip("+").partition("=")
    if key not in _TEXTS or value in ("", "null") or _QUOTED.fullmatch(value):
        return override
    if value == "???":  # to OmegaConf, a value that is missing
        raise UsageError(f"{key} is ???, which says nothing; write words")
    # What OmegaConf would take for another setting's value.
    uninterpolated = re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + r"\${", value)
    return f"{key}={QuotedString(uninterpolated, Quote.single).with_quotes()}"
