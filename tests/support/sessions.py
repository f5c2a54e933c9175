"""A browser's session without a browser: Streamlit's websocket, spoken as its page speaks it.

https://github.com/streamlit/streamlit/tree/develop/proto: a BackMsg asks for a script run, ForwardMsgs bring what it
draws and end with `script_finished`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

LONGEST_SECONDS, GONE_SECONDS = 60.0, 15.0


@dataclass(slots=True)
class Session:
    """One tab. errors: the exceptions that pages showed, in words. seconds: of each run of a page, with its name."""

    socket: ClientConnection
    pages: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    seconds: list[tuple[str, float]] = field(default_factory=list)
    refreshed: list[Any] = field(default_factory=list)

    async def run(self, page: str = "", query: str = "", fragment: str = "") -> None:
        """Run a page (by its name in the address), or a fragment of the page that is shown, to its end.

        A fragment that the page has no more gets no answer.
        """
        try:
            async with asyncio.timeout(GONE_SECONDS if fragment else LONGEST_SECONDS):
                await self._run(page, query, fragment)
        except TimeoutError:
            if not fragment:
                self.errors.append(f"{page or 'survey'}: no answer within {LONGEST_SECONDS:.0f} s")

    async def _run(self, page: str, query: str, fragment: str) -> None:
        asked = BackMsg()
        asked.rerun_script.page_script_hash = self.pages.get(page, "")
        asked.rerun_script.query_string = query
        asked.rerun_script.fragment_id = fragment
        asked.rerun_script.is_auto_rerun = bool(fragment)
        start = time.perf_counter()
        await self.socket.send(asked.SerializeToString())
        if not fragment:
            self.refreshed.clear()
        while True:
            message = ForwardMsg.FromString(await self.socket.recv())  # type: ignore[arg-type]
            self._take(message)
            if message.WhichOneof("type") == "script_finished" and message.script_finished in (
                ForwardMsg.FINISHED_SUCCESSFULLY,
                ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
                ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
            ):
                break
        if not fragment:
            self.seconds.append((page or "survey", time.perf_counter() - start))

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
        elif kind == "auto_rerun":
            self.refreshed.append(message.auto_rerun)
        elif kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
            shown = message.delta.new_element.exception
            self.errors.append(f"{shown.type}: {shown.message}")


@asynccontextmanager
async def session(address: str) -> AsyncIterator[Session]:
    """A tab on the dashboard at this address (http://127.0.0.1:8501), its first page run."""
    where = f"ws{address.removeprefix('http')}/_stcore/stream"
    async with connect(where, origin=address, subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[arg-type,list-item]
        opened = Session(socket)
        await opened.run()
        yield opened
