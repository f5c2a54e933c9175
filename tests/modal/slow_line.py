"""A TCP proxy in front of the local control plane that carries little and late, as a line from a field station does."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from types import TracebackType

BLOCK = 4096


class SlowLine:
    """Both ports of the control plane over one line; use as a context manager.

    port: what a client is given instead of the server's; the port after it leads to the server's blobs.
    carried: bytes that went up so far.
    """

    def __init__(self, server_port: int, bits_a_second: float = 1e6, there_and_back: float = 0.3) -> None:
        self._server_port, self._rate, self._delay = server_port, bits_a_second / 8, there_and_back / 2
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slow-line", daemon=True)
        self.port, self.blob_port, self.carried = 0, 0, 0

    def __enter__(self) -> SlowLine:
        self._thread.start()
        self.port, self.blob_port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _hang_up(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _listen(self) -> tuple[int, int]:
        self._up, self._down = asyncio.Lock(), asyncio.Lock()
        servers = [
            await asyncio.start_server(lambda reader, writer, to=to: self._carry(reader, writer, to), "127.0.0.1", 0)
            for to in (self._server_port, self._server_port + 1)
        ]
        first, second = (server.sockets[0].getsockname()[1] for server in servers)
        return first, second

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: int) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", to)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(self._pump(reader, back, self._up), self._pump(there, writer, self._down))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: asyncio.Lock) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while data := await reader.read(BLOCK):
                async with way:
                    await asyncio.sleep(len(data) / self._rate)
                self.carried += len(data) if way is self._up else 0
                loop.call_later(self._delay, writer.write, data)
        loop.call_later(self._delay, writer.close)
