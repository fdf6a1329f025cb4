"""What a pool of servers is told: who, how patiently, how often, how fast. All of it pickles."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from lauter.datasets.errors import UsageError
from lauter.teacher.step_audio.breaker import Breaker
from lauter.teacher.step_audio.hedging import Hedging
from lauter.teacher.step_audio.retries import Retries
from lauter.teacher.step_audio.wire import RESERVED


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """One server: the root of its address, with or without ``/v1``, and what may be asked of it.

    ``devices`` is how many accelerators it keeps busy. Rates are per second, None: no limit; of a
    request's tokens, prompt and ``max_tokens`` count until it is known how many came.
    ``key_variable`` names the environment variable with its API key, so that no key stands in a
    configuration.
    """

    url: str
    devices: float = 1.0
    max_in_flight: int = 32
    requests_per_s: float | None = None
    tokens_per_s: float | None = None
    key_variable: str = ""

    def __post_init__(self) -> None:
        """Raise ``UsageError`` where an address or a figure makes no sense."""
        if not _is_address(self.url):
            raise UsageError(
                f"'{self.url}' is no server's address; write it as http://host:8000, "
                "and put its key into an environment variable (key_variable)"
            )
        rates = [rate for rate in (self.requests_per_s, self.tokens_per_s) if rate is not None]
        if self.max_in_flight < 1 or self.devices < 0 or any(rate <= 0 for rate in rates):
            raise UsageError(
                f"{self.url} has {self.devices:g} devices, {self.max_in_flight} requests in flight "
                "and rates that make no sense; give at least one request, no negative devices "
                "and rates above zero, or null"
            )

    @property
    def root(self) -> str:
        """The address without ``/v1`` and slashes at its end."""
        return self.url.rstrip("/").removesuffix("/v1").rstrip("/")

    def key(self) -> str | None:
        """Return the API key; raises ``UsageError`` where its variable is empty or no header."""
        if not self.key_variable:
            return None
        key = os.environ.get(self.key_variable, "").strip()
        if not key or not key.isascii() or not key.isprintable():
            raise UsageError(
                f"the environment variable {self.key_variable} has no API key for {self.url}; "
                "set it, or leave key_variable empty where none is wanted"
            )
        return key


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:  # a port that is none, brackets that do not close
        return False
    known = parts.scheme in ("http", "https") and bool(parts.hostname)
    return known and has_port and "@" not in parts.netloc


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds each part of an attempt may take.

    ``connect_s`` is for the connection; ``first_s`` until the first ids have come (a server's queue
    and the prompt are in it); ``silence_s`` between ids; ``whole_s`` for all of one attempt;
    ``health_s`` for a server's answer about itself. A request for which there is no server at all
    for ``unserved_s`` is given up: long enough for a server that is started again.
    """

    connect_s: float = 10.0
    first_s: float = 180.0
    silence_s: float = 60.0
    whole_s: float = 1800.0
    health_s: float = 10.0
    unserved_s: float = 900.0

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for what is not above zero."""
        for one in fields(self):
            if getattr(self, one.name) <= 0:
                raise UsageError(f"patience.{one.name} must be above zero seconds; raise it")


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """Servers of one model, and how they are asked.

    ``model`` and ``checkpoint`` (a digest of the weights) are held against what servers say of
    themselves; empty: what they say is taken (vLLM says no checkpoint). ``sampling`` goes into
    each request's body as it is: temperature, top_p, top_k, repetition_penalty and their like.
    ``hedging`` None: nothing is asked twice at a time.
    """

    servers: tuple[ServerSettings, ...]
    model: str = ""
    checkpoint: str = ""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)
    retries: Retries = field(default_factory=Retries)
    hedging: Hedging | None = field(default_factory=Hedging)
    breaker: Breaker = field(default_factory=Breaker)
    health_every_s: float = 5.0

    def __post_init__(self) -> None:
        """Raise ``UsageError`` where there is no server, one twice, or a key that is not free."""
        roots = [server.root for server in self.servers]
        if not roots:
            raise UsageError("a pool needs at least one server; give its address")
        twice = sorted({root for root in roots if roots.count(root) > 1})
        if twice:
            raise UsageError(f"the server {twice[0]} is in the pool twice; name it once")
        taken = sorted(RESERVED.intersection(self.sampling))
        if taken:
            raise UsageError(
                f"'{taken[0]}' is no setting of sampling, but part of each request; leave it out"
            )
        if self.health_every_s <= 0:
            raise UsageError("health_every_s must be above zero seconds; raise it")
