"""A place in an object store, which answers to pathlib's names.

Only what corpora and exports need is here, and only what stores can do: an object appears whole
when it is written, folders are nothing but prefixes, nothing is ever renamed. Each call looks up
its driver anew (11 µs), so a ``StorePath`` can be pickled and used in forked processes.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

from lauter.datasets.store_errors import in_words


@dataclass(frozen=True, order=True, slots=True)
class StorePath:
    """An object or a prefix by its URL, such as ``s3://bucket/corpus``; nothing is looked up.

    All methods raise ``UsageError`` where the store cannot be asked, and those that read raise
    ``FileNotFoundError`` where nothing is.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> "StorePath":
        return StorePath(f"{self.url.rstrip('/')}/{name}")

    @property
    def scheme(self) -> str:
        """What the URL begins with, such as ``s3``."""
        return self.url.partition("://")[0]

    @property
    def name(self) -> str:
        """The last part of the URL."""
        return self.url.rstrip("/").rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The name without its last suffix."""
        return PurePosixPath(self.name).stem

    @property
    def parent(self) -> "StorePath":
        """What this lies in; a bucket lies in itself."""
        before = self.url.rstrip("/").rpartition("/")[0]
        return self if before.endswith(":/") else StorePath(before)

    def resolve(self) -> "StorePath":
        """Return this: a URL means the same everywhere."""
        return self

    def exists(self) -> bool:
        """Whether there is an object of this name, or one below it."""
        with in_words(self):
            driver, key = self._driver()
            return bool(driver.exists(key))

    def is_file(self) -> bool:
        """Whether there is an object of this name."""
        with in_words(self):
            driver, key = self._driver()
            return bool(driver.isfile(key))

    def is_dir(self) -> bool:
        """Whether there is an object below this name."""
        with in_words(self):
            driver, key = self._driver()
            return bool(driver.isdir(key))

    def iterdir(self) -> Iterator["StorePath"]:
        """Yield what lies in it, one level deep, by name."""
        with in_words(self):
            driver, key = self._driver()
            listed = driver.ls(key, detail=False)
        # Some tools mark a folder by an empty object of its own name and a slash.
        inside = (str(found).rstrip("/") for found in listed)
        names = {found.rpartition("/")[2] for found in inside if found != key.rstrip("/")}
        yield from (self / name for name in sorted(names))

    def glob(self, pattern: str) -> Iterator["StorePath"]:
        """Yield what lies in it under names such as ``*.tar``; nothing where nothing is."""
        try:
            yield from (found for found in self.iterdir() if fnmatchcase(found.name, pattern))
        except FileNotFoundError:
            return

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Do nothing: a folder comes with what is written into it."""

    def read_bytes(self) -> bytes:
        """Return an object's content."""
        with in_words(self):
            driver, key = self._driver()
            return cast(bytes, driver.cat_file(key))

    def read_text(self, encoding: str = "utf-8") -> str:
        """Return an object's content as text."""
        return self.read_bytes().decode(encoding)

    def write_text(self, text: str, encoding: str = "utf-8") -> None:
        """Write an object, whole or not at all."""
        with in_words(self):
            driver, key = self._driver()
            driver.pipe_file(key, text.encode(encoding))

    def create(self, text: str) -> bool:
        """Write an object unless there is one; return whether it was written.

        The store itself decides (on S3 by ``If-None-Match: *``), so of several that try at once
        one succeeds.
        """
        with in_words(self):
            driver, key = self._driver()
            try:
                driver.pipe_file(key, text.encode(), mode="create")
            except FileExistsError:
                return False
            return True

    def open(self, mode: str) -> BinaryIO:
        """Open an object: ``rb`` reads exactly what is asked for, ``wb`` is an ``Upload``."""
        if mode == "wb":
            return cast(BinaryIO, Upload(self))
        with in_words(self):
            driver, key = self._driver()
            return cast(BinaryIO, driver.open(key, mode, cache_type="none"))

    def upload(self, file: str) -> None:
        """Put a local file here, in several parts at once where it is large."""
        with in_words(self):
            driver, key = self._driver()
            driver.put_file(file, key)

    def unlink(self, *, missing_ok: bool = False) -> None:
        """Remove an object."""
        try:
            with in_words(self):
                driver, key = self._driver()
                driver.rm_file(key)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def remove_tree(self) -> None:
        """Remove everything below this name."""
        with in_words(self):
            driver, key = self._driver()
            driver.rm(key, recursive=True)

    def sizes(self) -> dict[str, int]:
        """Return the bytes of every object below, by its path from here; one listing for all."""
        with in_words(self):
            driver, key = self._driver()
            found = driver.find(key, detail=True)
        start = len(key.rstrip("/")) + 1
        return {name[start:]: int(facts["size"]) for name, facts in found.items()}

    def read_stretches(self, wanted: Sequence[tuple[str, int, int]]) -> list[bytes]:
        """Return ``(path from here, offset, size)`` of objects below, all asked for at once."""
        with in_words(self):
            driver, key = self._driver()
            paths = [f"{key.rstrip('/')}/{path}" for path, _, _ in wanted]
            starts = [offset for _, offset, _ in wanted]
            ends = [offset + size for _, offset, size in wanted]
            return cast(list[bytes], driver.cat_ranges(paths, starts, ends, on_error="raise"))

    def _driver(self) -> tuple[Any, str]:
        import fsspec  # a tenth of a second, which corpora on a disk need not pay

        # What is listed is never remembered: other processes write too.
        options: dict[str, Any] = {"use_listings_cache": False}
        if self.scheme == "s3" and (endpoint := s3_endpoint()):
            options["endpoint_url"] = endpoint
        driver, key = fsspec.url_to_fs(self.url, **options)
        return driver, key


def s3_endpoint() -> str | None:
    """Return the URL of an S3 server other than Amazon's, from the usual variables."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None


class Upload:
    """A file that is written beside, on the local disk, and put into its store when it is closed.

    One that is dropped without being closed leaves nothing in the store: drivers' own files put
    there what was written until an error, whenever the garbage collector comes by.
    """

    def __init__(self, place: StorePath) -> None:
        self._place = place
        self._file = tempfile.NamedTemporaryFile(prefix="lauter-upload-")  # noqa: SIM115

    @property
    def closed(self) -> bool:
        """Whether it was put into its store."""
        return self._file.closed

    def write(self, data: bytes) -> int:
        """Append bytes."""
        return self._file.write(data)

    def flush(self) -> None:
        """Nothing is seen in the store before all of it is."""

    def close(self) -> None:
        """Put the file into its store."""
        if not self._file.closed:
            self._file.flush()
            with self._file:
                self._place.upload(self._file.name)
