"""What stores and their drivers raise, in sentences.

Each store's driver (fsspec's, and Lance's own) has its own exceptions, many of which are no
``OSError``, and Lance has only texts. What they have in common are a few words, by which the four
things that go wrong with every store are known here.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lauter.datasets.errors import LauterError, UsageError


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What is known by the name of an exception, or by words that are in its text."""

    names: str
    words: str
    sentence: str


_KNOWN = (
    _Trouble(
        r"NoSuchBucket",
        r"<Code>NoSuchBucket|specified bucket does not exist|<Code>ContainerNotFound",
        "there is no bucket {bucket}; make it, or name another",
    ),
    _Trouble(
        r"(No|Partial|Default)Credentials|CredentialRetrieval",
        r"CredentialsNotLoaded|Unable to locate credentials",
        "no keys were found for {place}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or what "
        "else its store takes keys from",
    ),
    _Trouble(
        r"PermissionError|ClientAuthentication",
        r"status code: 40[13]|<Code>(AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch)",
        "the store refuses {place} ({said}); check your keys and what they may do",
    ),
    _Trouble(
        r"ConnectionError|ConnectError|HTTPClientError|TimeoutError|ClientConnector",
        r"error sending request|operation timed out",
        "the store of {place} cannot be reached ({said}); check the network (and for S3 "
        "AWS_ENDPOINT_URL) and run the same command again: what was committed is kept",
    ),
)


def trouble(error: BaseException, place: object) -> str | None:
    """Return the sentence for an error that every store knows; None for any other."""
    names = " ".join(kind.__name__ for kind in type(error).__mro__)
    for known in _KNOWN:
        if re.search(known.names, names) or re.search(known.words, str(error)):
            bucket = "/".join(str(place).split("/")[:3])
            return known.sentence.format(place=place, bucket=bucket, said=said(error))
    return None


@contextmanager
def in_words(place: object) -> Iterator[None]:
    """Turn what a driver raises into a ``UsageError``; a missing file stays a missing file."""
    try:
        yield
    except LauterError:
        raise
    except ImportError as error:
        raise UsageError(f"{place} cannot be opened: {_wanted(str(place), error)}") from error
    except Exception as error:
        sentence = trouble(error, place)
        if sentence is None and isinstance(error, FileNotFoundError | FileExistsError):
            raise
        raise UsageError(
            sentence
            or f"the store says of {place}: {type(error).__name__}: {said(error)}; "
            "check the place and what its store expects"
        ) from error


def _wanted(place: str, error: ImportError) -> str:
    if place.startswith("s3"):
        return "its driver s3fs is not here; install lauter[s3]"
    return f"its driver is not here ({said(error)}); install it beside Lauter"


def said(error: BaseException) -> str:
    """Return what an error says, without Lance's trace of its own source files."""
    line = str(error).strip().split("\n", 1)[0]
    return re.split(r", /\S+\.rs:\d+", line)[0].removeprefix("External error: ")
