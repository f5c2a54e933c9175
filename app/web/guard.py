"""What stands before every page and route: whose requests are answered, and what a browser may load for them.

A foreign name that resolves to this machine (DNS rebinding), a foreign page that opens a websocket, and a page that
frames the dashboard are refused: https://owasp.org/www-community/attacks/DNS_Rebinding and
https://cheatsheetseries.owasp.org/cheatsheets/Content_Security_Policy_Cheat_Sheet.html.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Streamlit's own scripts are inline, Plotly compiles functions, and components come as blobs.
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src 'self' blob:; "
    "connect-src 'self' ws://{host} wss://{host} blob: data:; frame-src 'self' blob: data:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
HOST = re.compile(r"[\w.:\[\]-]+")
MISDIRECTED, FORBIDDEN = 421, 403
NAMED = "This dashboard is not reached as {name}. Whoever runs it can name more hosts: PUGMARK_HOSTS, with commas."


class Guard:
    """Answers 421 to a host this dashboard is not, 403 to a foreign origin; adds the headers that browsers heed.

    hosts: the names it is reached by beside those of this machine itself.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = {host.lower() for host in (*LOOPBACK, *hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or websocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _name_of(host) not in self._hosts:
            await _refuse(scope, receive, send, MISDIRECTED, NAMED.format(name=_name_of(host) or "no name"))
            return
        if not self._is_own(headers.get("origin"), host):
            await _refuse(scope, receive, send, FORBIDDEN, "Another site may not use this dashboard.")
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(message, host)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)

    def _is_own(self, origin: str | None, host: str) -> bool:
        """Whether a request comes from this dashboard's own pages; a program sends no origin.

        Behind a proxy the port may differ: a name that the operator gave is taken with any, loopback only with its own.
        """
        if origin is None:
            return True
        try:
            address = urlsplit(origin)
        except ValueError:  # brackets that hold no address
            return False
        if address.netloc.lower() == host.lower():
            return True
        return (address.hostname or "") in self._hosts.difference(LOOPBACK)


def guard(hosts: Collection[str]) -> Middleware:
    """The guard as Streamlit's server takes it. hosts: see `Guard`."""
    return Middleware(Guard, hosts=hosts)


def _name_of(host: str) -> str:
    """The name in a Host header, without its port; empty for what is none."""
    if not HOST.fullmatch(host):
        return ""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _add_headers(message: MutableMapping[str, Any], host: str) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in _browser_headers(host):
        headers.setdefault(name, value)


def _browser_headers(host: str) -> Iterator[tuple[str, str]]:
    yield "Content-Security-Policy", POLICY.format(host=host)
    yield "X-Content-Type-Options", "nosniff"
    yield "Referrer-Policy", "same-origin"
    yield "Cross-Origin-Opener-Policy", "same-origin"


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason[:120]})
        return
    await PlainTextResponse(reason, status_code=status)(scope, receive, send)
