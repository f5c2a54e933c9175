"""The address of a storage, as a setting."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def without_secrets(value: str | None) -> str | None:
    """The address without a slash at its end; None where it is empty.

    Raises:
        ValueError: it names no place, or holds a key.
    """
    address = (value or "").strip().rstrip("/")
    if not address:
        return None
    parts = urlsplit(address)
    if not parts.scheme or not address.partition("://")[2].strip("/"):
        raise ValueError("it has to name a storage and a place in it, like s3://bucket/folder")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("keys do not belong into the address: use AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return address


StorageUrl = Annotated[str | None, AfterValidator(without_secrets)]
