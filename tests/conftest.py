"""Workers of Ray and Beam find the tests' own modules as this process does; an S3 server.

No example of a law is timed: on a busy machine any may take a second.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from s3_server import S3Server

SUPPORT = str(Path(__file__).parent / "support")
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [SUPPORT, os.environ.get("PYTHONPATH", "")])
)

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def s3() -> "Iterator[S3Server]":
    """An S3 server on a socket."""
    from s3_server import s3_server

    with s3_server() as server:
        yield server


@pytest.fixture
def bucket(s3: "S3Server", monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a bucket of its own in that server, which the environment leads to."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    return s3.make_bucket()
