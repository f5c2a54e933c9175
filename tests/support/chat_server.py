"""A small server on 127.0.0.1 that speaks the chat-completions protocol, and misbehaves on demand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "nvapi-test-0123456789abcdef"
TEXT = "Two deer cross from left to right at 2 s.\nCOUNT: 2"


@dataclass
class ChatServer:
    """What the server does next, and what it was asked.

    script: one entry a request, the last for all that follow: "stream", "whole", "cut", "silence", "garbage",
    "half json", "empty", "tool", "length", "trickle", or a status code, or (status, headers).
    """

    script: list[Any] = field(default_factory=lambda: ["stream"])
    text: str = TEXT
    usage: dict[str, int] | None = field(default_factory=lambda: {"prompt_tokens": 900, "completion_tokens": 40})
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    url: str = ""
    closing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """A server of its own, stopped at the end."""
    state = ChatServer()
    handler = type("Handler", (_Handler,), {"state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield state
        state.closing.set()
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: ChatServer

    def log_message(self, *_arguments: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        state = self.state
        state.keys.append(self.headers.get("Authorization", ""))
        state.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        state.at.append(time.monotonic())
        what = state.script.pop(0) if len(state.script) > 1 else state.script[0]
        if self.path != "/v1/chat/completions":
            what = 404
        if isinstance(what, int):
            what = (what, {})
        if isinstance(what, tuple):
            # An unkind endpoint that repeats the key in its error.
            refusal = {"error": {"message": f"no: {self.headers.get('Authorization')}", "type": "error"}}
            self._send(what[0], json.dumps(refusal).encode(), "application/json", what[1])
        else:
            getattr(self, "_" + what.replace(" ", "_"))()

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _whole(self) -> None:
        body = {"model": "test/vlm", "choices": [{"message": {"content": self.state.text}, "finish_reason": "stop"}]}
        self._send(200, json.dumps(body | {"usage": self.state.usage}).encode(), "application/json")

    def _empty(self) -> None:
        self._send(200, json.dumps({"model": "test/vlm"}).encode(), "application/json")

    def _half_json(self) -> None:
        self._send(200, b'{"choices": [{"message": {"content": "Tw', "application/json")

    def _garbage(self) -> None:
        self._begin()
        self._event('{"choices": [{"delta": {"content": ')
        self._end()

    def _stream(self) -> None:
        self._begin()
        self._words()
        self._finish("stop")
        self._end()

    def _length(self) -> None:
        self._begin()
        self._words()
        self._finish("length")
        self._end()

    def _tool(self) -> None:
        self._begin()
        call = {"index": 0, "id": "1", "type": "function", "function": {"name": "shell", "arguments": "{}"}}
        self._event(self._chunk({"tool_calls": [call]}))
        self._finish("tool_calls")
        self._end()

    def _cut(self) -> None:
        self._begin()
        self._words()
        self.close_connection = True
        self.connection.close()

    def _polite_cut(self) -> None:
        self._begin()
        self._words()
        self._end()

    def _silence(self) -> None:
        self.state.closing.wait(60)
        self.close_connection = True

    def _silence_within(self) -> None:
        self._begin()
        self._words()
        self._silence()

    def _trickle(self) -> None:
        self._begin()
        while not self.state.closing.wait(0.05):
            try:
                self._event(self._chunk({"content": "."}))
            except OSError:
                return

    def _begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _words(self) -> None:
        for word in self.state.text.split(" "):
            self._event(self._chunk({"content": word + " "}))

    def _finish(self, reason: str) -> None:
        self._event(json.dumps({"model": "test/vlm", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
        if self.state.usage is not None:
            self._event(json.dumps({"model": "test/vlm", "choices": [], "usage": self.state.usage}))
        self._event("[DONE]")

    @staticmethod
    def _chunk(delta: dict[str, Any]) -> str:
        return json.dumps({"model": "test/vlm", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})

    def _event(self, data: str) -> None:
        line = f"data: {data}\n\n".encode()
        self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        self.wfile.flush()

    def _end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")
