"""Whether Modal's address can be reached at all: a look at the socket before the client's own 58 s of connecting."""

from __future__ import annotations

import asyncio
import urllib.request
from urllib.parse import urlsplit

from modal_backend.errors import BackendUnavailable

PROBE_SECONDS = 2.0


async def reach() -> None:
    """Raises BackendUnavailable when none of the configured servers accepts a connection within two seconds.

    Behind an HTTPS proxy there is nothing to look at: the client goes through the proxy.
    """
    from modal.config import config

    addresses = [urlsplit(url.strip()) for url in str(config["server_url"]).split(",")]
    proxies = urllib.request.getproxies()
    reasons = []
    for address in addresses:
        host = address.hostname or ""
        port = address.port or (443 if address.scheme == "https" else 80)
        if address.scheme == "https" and "https" in proxies and not urllib.request.proxy_bypass(host):
            return
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                _, writer = await asyncio.open_connection(host, port)
        except OSError as error:
            reasons.append(f"{host}:{port} {error.strerror or 'does not answer'}")
            continue
        writer.close()
        return
    raise BackendUnavailable(
        f"Modal cannot be reached ({'; '.join(reasons)}).", remedy="Check this machine's connection to the network."
    )
