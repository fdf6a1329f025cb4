"""Many servers of one model as one: their health, who they are, and the requests among them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lauter.datasets.errors import LauterError, UsageError
from lauter.teacher.step_audio.completion import (
    Completed,
    CompletionError,
    CompletionRequest,
    Identity,
)
from lauter.teacher.step_audio.hedging import Hedger
from lauter.teacher.step_audio.member import Member
from lauter.teacher.step_audio.pool_settings import PoolSettings, ServerSettings
from lauter.teacher.step_audio.pursuit import Means, Pursuit
from lauter.teacher.step_audio.roster import Roster
from lauter.teacher.step_audio.server import Server, open_client
from lauter.teacher.step_audio.wire import completion_body


@dataclass(frozen=True, slots=True)
class Standing:
    """How a server is doing: ``state`` is ``in service``, or why it is not."""

    url: str
    state: str
    in_flight: int


class Pool:
    """A pool in one event loop; made inside it, and closed there."""

    def __init__(self, settings: PoolSettings) -> None:
        loop = asyncio.get_running_loop()
        self._settings = settings
        self._identity: Identity | None = None
        self._client = open_client(settings.patience)
        members = [
            Member(Server(one, settings.patience, self._client), settings.breaker, loop.time())
            for one in settings.servers
        ]
        self._roster = Roster(members, settings.patience.unserved_s)
        hedger = Hedger(settings.hedging) if settings.hedging else None
        self._means = Means(self._roster, settings.retries, hedger, self._body)
        self._watches = [loop.create_task(self._watch(member)) for member in members]
        self._unseen = len(members)
        self._all_seen = asyncio.Event()

    async def complete(
        self, requests: Sequence[CompletionRequest]
    ) -> list[Completed | CompletionError]:
        """Return, in order, what came of each request."""
        # Else the server that is heard of first would get all that a batch brings.
        await self._all_seen.wait()
        return await asyncio.gather(*(Pursuit(one, self._means).run() for one in requests))

    async def identity(self) -> Identity:
        """Return who answers, asked anew of all servers.

        Raises ``UsageError`` where a server is another one than the rest or than was configured,
        ``LauterError`` where none can be asked. Servers that are down are passed over.
        """
        await asyncio.gather(*map(self._examine, self._roster.members))
        for member in self._roster.members:
            if member.wrong:
                raise member.wrong
        if self._identity is None:
            known = "; ".join(f"{one.url}: {one.trouble}" for one in self._roster.members)
            raise LauterError(f"no server answers ({known}); start one, or give other addresses")
        return self._identity

    async def settled(self) -> Identity | None:
        """Return whom all answers come from, None while no server could be asked who it is."""
        await self._all_seen.wait()
        return self._identity

    async def drain(self, url: str) -> None:
        """Send nothing more to a server; returns when it has finished what it has."""
        member = self._member(url)
        member.is_draining = True
        await member.is_idle.wait()

    async def readmit(self, url: str) -> None:
        """Send requests to a server again that was drained."""
        self._member(url).is_draining = False
        self._roster.settle()

    async def standings(self) -> tuple[Standing, ...]:
        """Return how each server is doing."""
        now = asyncio.get_running_loop().time()
        return tuple(
            Standing(one.url, one.state(now), one.in_flight) for one in self._roster.members
        )

    async def close(self) -> None:
        """Let go of all connections; requests in flight must have ended or been cancelled."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        self._roster.close()
        await self._client.aclose()

    def _member(self, url: str) -> Member:
        root = ServerSettings(url).root
        for member in self._roster.members:
            if member.url == root:
                return member
        raise UsageError(f"there is no server {url} in the pool; name one of it")

    def _body(self, request: CompletionRequest) -> dict[str, Any]:
        # Only servers whose model is known are in service.
        model = self._identity.model if self._identity else self._settings.model
        return completion_body(request, model, self._settings.sampling)

    async def _watch(self, member: Member) -> None:
        await self._examine(member)
        self._unseen -= 1
        if not self._unseen:
            self._all_seen.set()
        while True:
            await asyncio.sleep(self._settings.health_every_s)
            await self._examine(member)

    async def _examine(self, member: Member) -> None:
        """Ask for a server's health, and who it is: behind an address may be other weights now."""
        wrong = None
        try:
            trouble = await member.server.ailment()
            if trouble is None:
                self._recognize(member.url, await member.server.identity(self._settings.model))
        except Exception as error:  # a watch that ends is a server that is never asked
            trouble = str(error) or type(error).__name__
            wrong = error if isinstance(error, UsageError) else None
        member.trouble, member.wrong = trouble, wrong
        self._roster.settle()

    def _recognize(self, url: str, found: Identity) -> None:
        """Raise ``UsageError`` where a server is another one than the rest, or than was meant."""
        wanted = self._settings.checkpoint
        if wanted and found.checkpoint not in ("", wanted):
            raise UsageError(
                f"{url} serves the checkpoint {found.checkpoint}, and the configuration names "
                f"{wanted}; start it with that one, or change the setting checkpoint"
            )
        found = replace(found, checkpoint=wanted or found.checkpoint)
        self._identity = self._identity or found
        if found != self._identity:
            raise UsageError(
                f"{url} is {_described(found)}, and others of its pool are "
                f"{_described(self._identity)}; the same request would get other answers there, "
                "so give it a pool of its own"
            )


def _described(identity: Identity) -> str:
    checkpoint = f" with the weights {identity.checkpoint}" if identity.checkpoint else ""
    return f"'{identity.model}'{checkpoint} on version {identity.server or 'unknown'}"
