"""Every key that the configuration has, and where its files lie."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

CONFIGURATION_FOLDER = Path(__file__).parent / "conf"


def known_keys(choices: Sequence[str] = ()) -> set[str]:
    """Return every key of the default configuration with these ``choices`` of groups, dotted."""
    with initialize_config_dir(str(CONFIGURATION_FOLDER), version_base="1.3"):
        plain = OmegaConf.to_container(compose("lauter", overrides=list(choices)))
    return set(_dotted(plain))


def _dotted(node: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield f"{prefix}{key}"
            yield from _dotted(value, f"{prefix}{key}.")
