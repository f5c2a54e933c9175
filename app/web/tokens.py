"""Signed, short-lived tokens for the HTTP routes, which Streamlit's login does not cover."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import itsdangerous
from starlette.requests import Request
from starlette.responses import JSONResponse

from app import files
from app.survey.roles import Role
from modal_backend.weights.whole_file import first_content

READ = "read"
UPLOAD = "upload"
EXPORT = "export"
READ_SECONDS = 12 * 3600
UPLOAD_SECONDS = 24 * 3600
KEPT = 64
NEEDS = {READ: Role.VIEWER, UPLOAD: Role.REVIEWER, EXPORT: Role.REVIEWER}
SIGNATURE = {"key_derivation": "none", "digest_method": hashlib.sha256}


class BadToken(Exception):
    """The token is missing, expired, forged or made for something else."""


class Signer:
    """Makes and checks tokens that hold a purpose, an expiry, a subject and the person they were made for.

    role_of: the role a person has now, None for somebody who is on no list any more; None where no login is set up.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.role_of: Callable[[str], Role | None] | None = None
        self._tokens = itsdangerous.URLSafeSerializer(key, signer_kwargs=SIGNATURE)
        self._made = lru_cache(KEPT)(lambda *parts: str(self._tokens.dumps(parts)))  # a page asks for each picture

    def sign(self, purpose: str, subject: str, seconds: int, who: str = "") -> str:
        """A token that holds for at least `seconds` and at most twice as long.

        The expiry is rounded up to a multiple of `seconds`, so that addresses stay the same from one script run to the
        next and browsers can cache what they point to.
        """
        expiry = (int(time.time()) // seconds + 2) * seconds
        return self._made(purpose, expiry, subject, who)

    def check(self, token: str, purpose: str, subject: str | None = None) -> str:
        """The token's subject.

        Raises BadToken unless purpose, time, signature and a given subject all fit, and its person may still do it.
        """
        try:
            its_purpose, expiry, its_subject, who = self._tokens.loads(token)
        except (itsdangerous.BadData, ValueError) as bad:
            raise BadToken("The address is not signed by this dashboard: reload the page.") from bad
        if its_purpose != purpose or subject not in (None, its_subject):
            raise BadToken("This address was made for something else: reload the page.")
        if expiry < time.time():
            raise BadToken("The address has expired: reload the page.")
        if self.role_of is not None and (self.role_of(who) or 0) < NEEDS[purpose]:
            raise BadToken("Your role in this survey does not allow this (any more).")
        return str(its_subject)

    @property
    def mark(self) -> str:
        """Eight characters that tell this data directory from another; says nothing about the key."""
        return itsdangerous.Signer(self._key, **SIGNATURE).get_signature("mark").decode()[:8]  # type: ignore[arg-type]


def refusal(signer: Signer, request: Request, purpose: str, subject: str | None = None) -> JSONResponse | None:
    """The answer to a request whose token in ?t= does not allow this, None for one that does; see `Signer.check`."""
    try:
        signer.check(request.query_params.get("t", ""), purpose, subject)
    except BadToken as error:
        return JSONResponse({"error": str(error)}, status_code=403)
    return None


def open_signer(data_dir: Path) -> Signer:
    """The signer of this data directory; its key is made on first use, readable by the owner alone.

    Where it cannot be written it is this process's alone.
    """
    path = files.token_key_path(data_dir)
    if not path.exists() and not os.access(data_dir, os.W_OK):
        return Signer(secrets.token_bytes(32))
    return Signer(first_content(path, secrets.token_bytes(32), 0o600))
