"""Signed, short-lived tokens for the HTTP routes, which Streamlit's login does not cover."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path

KEY_FILE = "token.key"
READ = "read"
UPLOAD = "upload"
EXPORT = "export"
READ_SECONDS = 12 * 3600
UPLOAD_SECONDS = 24 * 3600


class BadToken(Exception):
    """The token is missing, expired, forged or made for something else."""


class Signer:
    """Makes and checks tokens `purpose.expiry.subject.signature` (HMAC-SHA256, base64url)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, purpose: str, subject: str, seconds: int) -> str:
        """A token that holds for at least `seconds` and at most twice as long.

        The expiry is rounded up to a multiple of `seconds`, so that addresses stay the same from one script run to the
        next and browsers can cache what they point to.
        """
        expiry = (int(time.time()) // seconds + 2) * seconds
        payload = f"{purpose}.{expiry}.{_encode(subject.encode())}"
        return f"{payload}.{self._signature(payload)}"

    def check(self, token: str, purpose: str, subject: str | None = None) -> str:
        """The token's subject. Raises BadToken unless purpose, time, signature and a given subject all fit."""
        payload, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._signature(payload).encode(), signature.encode()):
            raise BadToken("The address is not signed by this dashboard: reload the page.")
        its_purpose, expiry, encoded = payload.split(".")
        its_subject = _decode(encoded).decode()
        if its_purpose != purpose or subject not in (None, its_subject):
            raise BadToken("This address was made for something else: reload the page.")
        if int(expiry) < time.time():
            raise BadToken("The address has expired: reload the page.")
        return its_subject

    @property
    def mark(self) -> str:
        """Eight characters that tell this data directory from another; says nothing about the key."""
        return self._signature("mark")[:8]

    def _signature(self, payload: str) -> str:
        return _encode(hmac.new(self._key, payload.encode(), hashlib.sha256).digest())


def open_signer(data_dir: Path) -> Signer:
    """The signer of this data directory; its key is made on first use, readable by the owner alone.

    Safe when two processes start at once: the first link wins and both read that key.
    """
    path = data_dir / KEY_FILE
    if not path.exists():
        draft = data_dir / f".{KEY_FILE}.{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
                file.flush()
                os.fsync(file.fileno())
            if not path.exists():
                _link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    return Signer(path.read_bytes())


def _link(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        os.replace(draft, path)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
