"""How a storage is asked: by fsspec, whatever it is, with its errors as ours; workers wait for it, pages do not."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_never,
    sleep_using_event,
    stop_when_event_set,
)

from app.storage.errors import Interrupted, StorageAway, StorageMissing, StorageRefused, StoreError, StoreFull
from modal_backend.errors import sentence
from modal_backend.waiting import growing

T = TypeVar("T")
log = logging.getLogger("pugmark.storage")
SILENT_SECONDS = 5.0  # a page does not ask again so soon after a refusal
LONGEST_SECONDS = 60.0  # nor while another page asks
S3 = ("s3", "s3a")
S3_PACKAGE = "s3fs==2026.9.0"
# Seconds and attempts of the client: https://botocore.amazonaws.com/v1/documentation/api/latest/reference/config.html
S3_PATIENCE = {"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 0}}
S3_ATTEMPTS = 2
# How the client calls refusals that are no PermissionError.
REFUSALS = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "InvalidRegionError")


class Line:
    """The way to the storage at a URL. May be shared between threads.

    trouble: what is wrong, as a sentence, while the storage is away or refuses; else empty.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.trouble = ""
        self._error: StoreError | None = None
        self._silent_until = float("-inf")
        self._ended = threading.Event()
        self._patient = False

    @contextmanager
    def patience(self) -> Iterator[None]:
        """In the block whoever asks waits until the storage answers and no longer refuses; its end interrupts them."""
        self._ended.clear()
        self._patient = True
        try:
            yield
        finally:
            self._patient = False
            self._ended.set()

    @cached_property
    def _there(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        scheme = self.url.partition("://")[0]
        options: dict[str, Any] = {"auto_mkdir": True} if scheme == "file" else {}
        if scheme in S3:
            options = {"use_listings_cache": False, "config_kwargs": S3_PATIENCE}
        try:
            opened, root = url_to_fs(self.url, **options)
        except ImportError as error:
            needed = S3_PACKAGE if scheme in S3 else f"fsspec[{scheme}]"
            wrong = f"PUGMARK_MEDIA_URL begins with {scheme}://, for which a package is missing."
            raise StorageRefused(wrong, remedy=f"Run: pip install {needed}") from error
        except ValueError as error:
            raise StorageRefused(f"PUGMARK_MEDIA_URL begins with {scheme}://, which fsspec does not know.") from error
        if scheme in S3:
            opened.retries = S3_ATTEMPTS
        return opened, str(root).rstrip("/")

    @property
    def files(self) -> Any:
        """fsspec's file system. Raises StorageRefused where its package is missing."""
        return self._there[0]

    @property
    def root(self) -> str:
        """Where in it the storage's files lie."""
        return self._there[1]

    def ask(self, call: Callable[[], T], *, putting: bool = False, hurried: bool = False) -> T:
        """What `call` returns; waits while `patience` lasts.

        Args:
            call: asks `files`; it may be made several times.
            putting: it writes, so that a missing place is the bucket's, not a file's.
            hurried: it is made now, and once, whatever was the matter before.

        Raises:
            StorageError, StoreFull
            Interrupted: `patience` ended meanwhile.
        """
        waits = self._patient and not hurried
        if not waits and not hurried and self._error:
            if time.monotonic() < self._silent_until:
                raise self._error
            self._silent_until = time.monotonic() + LONGEST_SECONDS  # the others need not ask, too
        mended = retry_if_exception_type((StorageAway, StorageRefused))
        retrying = Retrying(
            retry=mended if waits else retry_never,
            wait=growing(1.0),
            stop=stop_when_event_set(self._ended),
            sleep=sleep_using_event(self._ended),
            before_sleep=self._say,
            reraise=True,
        )
        try:
            return retrying(self._once, call, putting)
        except (StorageAway, StorageRefused) as error:
            if waits:  # and the end of the worker has ended that
                raise Interrupted from error
            raise

    def _once(self, call: Callable[[], T], putting: bool) -> T:
        try:
            with _errors(self.url, putting):
                result = call()
        except (StorageAway, StorageRefused) as error:
            self._error, self.trouble = error, f"waits for the media storage: {sentence(error)}"
            self._silent_until = time.monotonic() + SILENT_SECONDS
            raise
        except StoreError:
            self._error, self.trouble = None, ""
            raise
        self._error, self.trouble = None, ""
        return result

    def _say(self, state: RetryCallState) -> None:
        if state.attempt_number == 1:
            log.warning("This process %s", self.trouble)


@contextmanager
def _errors(url: str, putting: bool) -> Iterator[None]:
    """Errors of whatever library speaks to the storage as ours; their texts may name keys and are left out."""
    try:
        yield
    except StoreError:
        raise
    except FileNotFoundError as error:
        if putting:
            raise StorageRefused(f"There is no bucket or folder {url}.") from error
        raise StorageMissing(f"The file is not in {url}.") from error
    except Exception as error:
        kind = type(error).__name__
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(f"The data folder's disk is full. {StoreFull.remedy}") from error
        if isinstance(error, PermissionError) or kind in REFUSALS:
            raise StorageRefused(f"The storage {url} refuses ({kind}).") from error
        raise StorageAway(f"The storage {url} does not answer ({kind}).") from error
