"""What can go wrong where files of media are kept.

StoreError                 the data folder cannot be written
 ├─ StoreFull              its disk is used up
 └─ StorageError           of the storage that machines share (also an OSError)
     ├─ StorageAway        it does not answer; the same may succeed later
     ├─ StorageRefused     it answers and refuses; a person has to act, then the same succeeds
     ├─ StorageMissing     it has no such file (also a FileNotFoundError)
     └─ StorageDamaged     what it has under a name is not what belongs there

Interrupted                the worker ends while it waits for the storage; no Exception
"""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be written. `remedy` says what a person can do about it."""

    remedy = "Check that the data folder is there and that Pugmark may write to it, then import again."


class StoreFull(StoreError):
    """The disk or the quota is used up; nothing half-written was left behind."""

    remedy = "Free some space, or move the data folder to a larger disk, then import again."


class StorageError(StoreError, OSError):
    """Base of what goes wrong with the storage."""

    remedy = "`python -m app doctor` says what is wrong with the media storage."

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy or self.remedy


class StorageAway(StorageError):
    """It does not answer; jobs wait for it."""

    remedy = "Work waits and goes on by itself. Check the network and the storage that PUGMARK_MEDIA_URL names."


class StorageRefused(StorageError):
    """It refuses, or cannot be asked from here; jobs wait until a person has mended that."""

    remedy = "Check the bucket that PUGMARK_MEDIA_URL names, and that the credentials may read and write it."


class StorageMissing(StorageError, FileNotFoundError):
    """It has no such file."""

    remedy = "Run `python -m app check` where the file still lies, or import it again."


class StorageDamaged(StorageError):
    """A file there is not what its name says; it was put aside under another name."""

    remedy = "Run `python -m app check` where a good copy still lies, or import the file again."


class Interrupted(BaseException):
    """The worker ends while it waits: nothing has failed, and another worker begins the job again."""
