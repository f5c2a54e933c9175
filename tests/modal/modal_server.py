"""A stand-in for Modal's control plane on 127.0.0.1, for tests.

The real client (modal 1.6.4) talks to it over gRPC, and the functions run in the real container runtime
(`python -m modal._container_entrypoint`) in child processes, from the very files that were uploaded. Only the
scheduler and the object store in between are ours.

    with LocalModal() as modal:
        modal.deploy("modal_backend.modal_app")
        subprocess.run([...], env=modal.env)
        modal.fault(method="FunctionMap", status="UNAVAILABLE", count=2)

Not imitated: building images (containers use this interpreter), GPUs, volumes' and secrets' contents, memory snapshots
(both kinds of enter run one after the other), parametrised classes, generators, web endpoints, billing, log streaming,
the input plane, retention; the autoscaler is simple, and everything is forgotten at exit.
"""

# ruff: noqa: ARG002, B904

from __future__ import annotations

import argparse
import asyncio
import base64
import builtins
import collections
import contextlib
import dataclasses
import fnmatch
import hashlib
import itertools
import json
import math
import os
import pickle
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support import forked

TOKEN_ID = "ak-local"
TOKEN_SECRET = "as-local"
DEFAULT_PORT = 50451
DEFAULT_ENVIRONMENT = "main"
IMAGE_BUILDER_VERSION = "2025.06"

# --------------------------------------------------------------------------------------------------
# Client-side helpers: no modal import needed here
# --------------------------------------------------------------------------------------------------


def client_env(port: int, host: str = "127.0.0.1") -> dict[str, str]:
    """Environment variables that make an ordinary modal client process use the local server."""
    return {
        "MODAL_SERVER_URL": f"http://{host}:{port}",
        "MODAL_TOKEN_ID": TOKEN_ID,
        "MODAL_TOKEN_SECRET": TOKEN_SECRET,
        "MODAL_CONFIG_PATH": "/nonexistent/.modal.toml",  # never pick up a developer's real profile
        "NO_PROXY": "127.0.0.1,localhost",  # the client honours HTTP_PROXY
        "no_proxy": "127.0.0.1,localhost",
    }


def _wait_port(host: str, port: int, timeout: float) -> None:
    end = time.monotonic() + timeout
    while True:
        try:
            socket.create_connection((host, port), 0.5).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise TimeoutError(f"nothing listens on {host}:{port}")
            time.sleep(0.05)


class Admin:
    """Thin HTTP client for the admin port."""

    def __init__(self, port: int, host: str = "127.0.0.1"):
        self.base = f"http://{host}:{port + 1}"

    def call(self, path: str, body: dict | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        req = urllib.request.Request(self.base + path, data=data, headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(req, timeout=30) as resp:
            return json.loads(resp.read() or b"null")

    def state(self) -> dict:
        return self.call("/state")

    def folder(self) -> Path:
        """Where the server keeps what was uploaded."""
        return Path(self.state()["state_dir"])

    def rpcs(self) -> list[dict]:
        return self.call("/rpcs")

    def fault(self, **rule) -> dict:
        return self.call("/fault", rule)

    def result_fault(self, **rule) -> dict:
        return self.call("/result_fault", rule)

    def clear(self) -> dict:
        return self.call("/clear", {})

    def config(self, **kw) -> dict:
        return self.call("/config", kw)

    def down(self) -> dict:
        return self.call("/down", {})

    def up(self) -> dict:
        return self.call("/up", {})

    def blackhole(self) -> dict:
        return self.call("/blackhole", {})

    def expire(self, function_call_id: str = "*") -> dict:
        return self.call("/expire", {"function_call_id": function_call_id})

    def kill_containers(self, function: str = "*") -> dict:
        return self.call("/kill_containers", {"function": function})

    def stop_app(self, name: str) -> dict:
        return self.call("/stop_app", {"name": name})

    def stats(self, function: str, **values) -> dict:
        return self.call("/stats", {"function": function, **values})


class LocalModal(Admin):
    """Starts the server as a child process; use as a context manager (e.g. in a pytest fixture)."""

    def __init__(self) -> None:
        self.port = _free_port_pair()
        super().__init__(self.port)
        self.proc: subprocess.Popen | None = None

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, **client_env(self.port)}

    def __enter__(self) -> LocalModal:
        self.proc = subprocess.Popen(
            [sys.executable, "-m", "tests.modal.modal_server", str(self.port)],
            cwd=forked.ROOT,
            stdout=subprocess.DEVNULL,
        )
        _wait_port("127.0.0.1", self.port, 20)
        _wait_port("127.0.0.1", self.port + 1, 20)
        return self

    def __exit__(self, *exc) -> None:
        if self.proc:
            self.proc.terminate()
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                self.proc.kill()

    def deploy(self, module: str, cwd: Path, **more: str) -> str:
        """`modal deploy -m`, with more in its environment; returns what it prints."""
        out = subprocess.run(
            [sys.executable, "-m", "modal", "deploy", "-m", module],
            env={**self.env, **more},
            cwd=cwd,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if out.returncode:
            raise RuntimeError(f"modal deploy failed ({out.returncode}):\n{out.stdout}")
        return out.stdout


def _free_port_pair() -> int:
    for _ in range(50):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
            with socket.socket() as s2, contextlib.suppress(OSError):
                s2.bind(("127.0.0.1", port + 1))
                return port
    raise OSError("no two adjacent free ports")


# --------------------------------------------------------------------------------------------------
# Server
# --------------------------------------------------------------------------------------------------


class Pulse:
    """A broadcast wake-up: everyone waiting is released by one fire()."""

    def __init__(self) -> None:
        self._ev = asyncio.Event()

    def fire(self) -> None:
        ev, self._ev = self._ev, asyncio.Event()
        ev.set()

    async def wait(self, timeout: float) -> bool:
        try:
            await asyncio.wait_for(self._ev.wait(), max(0.0, timeout))
            return True
        except TimeoutError:
            return False


@dataclasses.dataclass
class Fault:
    """Applied to matching RPCs. status: gRPC status name; delay_s: sleep first; when: before|after the work."""

    method: str = "*"
    side: str = "client"  # client | container | any
    status: str = ""
    message: str = "injected fault"
    delay_s: float = 0.0
    count: int = -1  # -1: until cleared
    when: str = "before"  # "after": the work is done but its answer is lost
    retry_after_s: float = 0.0  # attach Modal's RPCRetryPolicy (server-side throttle instruction)
    hits: int = 0

    def matches(self, name: str, side: str, when: str) -> bool:
        return (
            self.count != 0
            and self.when == when
            and self.side in (side, "any")
            and fnmatch.fnmatchcase(name, self.method)
        )

    def use(self) -> None:
        self.hits += 1
        if self.count > 0:
            self.count -= 1


@dataclasses.dataclass
class ResultFault:
    """Replaces the execution of matching inputs with a canned result."""

    function: str = "*"
    result: str = "FAILURE"  # FAILURE | TIMEOUT | INTERNAL_FAILURE | TERMINATED | INIT_FAILURE
    exception: str = "RuntimeError: injected failure"  # "Type: message"; builtin types are re-raised by the client
    delay_s: float = 0.0
    count: int = -1


@dataclasses.dataclass
class Input:
    id: str
    call: Call
    idx: int
    payload: Any
    retry_count: int = 0
    state: str = "pending"  # pending | running | done
    enqueued_at: float = dataclasses.field(default_factory=time.time)
    started_at: float = 0.0
    finished_at: float = 0.0
    task_id: str = ""
    status: int = 0
    crashes: int = 0


@dataclasses.dataclass
class Call:
    id: str
    fn: Fn
    kind: int
    invocation: int
    parent_input_id: str = ""
    inputs: dict[str, Input] = dataclasses.field(default_factory=dict)
    outputs: list[tuple[int, Any]] = dataclasses.field(default_factory=list)  # (seq, FunctionGetOutputsItem)
    seq: Any = dataclasses.field(default_factory=lambda: itertools.count(1))
    pulse: Pulse = dataclasses.field(default_factory=Pulse)
    expired: bool = False
    num_inputs: int | None = None

    def unfinished(self) -> int:
        return sum(1 for i in self.inputs.values() if i.state != "done")


@dataclasses.dataclass
class Task:
    """One container."""

    id: str
    fn: Fn
    created_at: float = dataclasses.field(default_factory=time.time)
    ready_at: float = 0.0
    idle_since: float = 0.0
    proc: forked.Process | None = None
    stopping: bool = False
    dead: bool = False
    killed_for: str = ""
    running: dict[str, Input] = dataclasses.field(default_factory=dict)
    cancel_ids: list[str] = dataclasses.field(default_factory=list)
    cancel_pulse: Pulse = dataclasses.field(default_factory=Pulse)
    init_result: Any = None


@dataclasses.dataclass
class Fn:
    id: str
    app_id: str
    proto: Any  # api_pb2.Function
    data: Any  # api_pb2.FunctionData
    definition_id: str
    serialized_params: bytes = b""
    base_id: str = ""
    live: bool = False  # published
    pending: collections.deque = dataclasses.field(default_factory=collections.deque)
    tasks: dict[str, Task] = dataclasses.field(default_factory=dict)
    pulse: Pulse = dataclasses.field(default_factory=Pulse)
    override: dict[str, int] = dataclasses.field(default_factory=dict)  # forced get_current_stats values
    finished: collections.deque = dataclasses.field(default_factory=lambda: collections.deque(maxlen=5000))
    started: collections.deque = dataclasses.field(default_factory=lambda: collections.deque(maxlen=5000))
    container_errors: int = 0
    crash_streak: int = 0
    not_before: float = 0.0  # crash-loop back-off

    @property
    def name(self) -> str:
        return self.proto.function_name

    def setting(self, name: str, default: int) -> int:
        s = self.proto.autoscaler_settings
        return getattr(s, name) if s.HasField(name) else default

    @property
    def per_container(self) -> int:
        p = self.proto
        return max(1, p.batch_max_size or p.target_concurrent_inputs or p.max_concurrent_inputs or 1)

    @property
    def max_per_container(self) -> int:
        p = self.proto
        return max(1, p.batch_max_size or p.max_concurrent_inputs or 1)

    def running(self) -> int:
        return sum(len(t.running) for t in self.tasks.values())


@dataclasses.dataclass
class App:
    id: str
    name: str
    environment: str
    state: int
    function_ids: dict[str, str] = dataclasses.field(default_factory=dict)
    class_ids: dict[str, str] = dataclasses.field(default_factory=dict)
    created_at: float = dataclasses.field(default_factory=time.time)
    deployed_at: float = 0.0
    version: int = 0
    logs: list[tuple[int, dict]] = dataclasses.field(default_factory=list)
    log_pulse: Pulse = dataclasses.field(default_factory=Pulse)


@dataclasses.dataclass
class Ctx:
    name: str
    side: str
    task: Task | None
    metadata: Any


def _jwt(fields: dict) -> str:
    enc = lambda d: base64.urlsafe_b64encode(json.dumps(d).encode()).rstrip(b"=").decode()  # noqa: E731
    return f"{enc({'alg': 'none', 'typ': 'JWT'})}.{enc(fields)}."


def _unjwt(token: str) -> dict:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


async def _pipe() -> tuple[asyncio.StreamReader, int]:
    """What a child prints, as a stream for this process and an open file for the child."""
    out, into = os.pipe()
    stream = asyncio.StreamReader(limit=2**24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(out, "rb"))
    return stream, into


def build_server(opts: argparse.Namespace):
    """Imports modal lazily, so that the client-side helpers above work without it."""
    import grpclib.const
    import grpclib.server
    from aiohttp import web
    from google.protobuf.empty_pb2 import Empty
    from grpclib import GRPCError, Status
    from modal._utils.grpc_utils import custom_detail_codec
    from modal_proto import api_pb2
    from modal_proto.api_grpc import ModalClientBase

    R = api_pb2.GenericResult
    ASYNC = api_pb2.FUNCTION_CALL_INVOCATION_TYPE_ASYNC
    OCT = api_pb2
    GPU_TYPES = {
        "ANY",
        "T4",
        "L4",
        "A10",
        "A10G",
        "L40S",
        "A100",
        "A100-40GB",
        "A100-80GB",
        "H100",
        "H100!",
        "H200",
        "B200",
        "B200+",
        "RTX-PRO-6000",
    }
    # a repeated request with the same idempotency key gets the first answer again
    IDEMPOTENT = {"FunctionMap", "FunctionPutInputs", "FunctionRetryInputs", "AttemptStart", "AttemptRetry"}

    class ControlPlane(ModalClientBase):
        def __init__(self) -> None:
            self.dir = Path(tempfile.mkdtemp(prefix="modal-local-")).resolve()
            for sub in ("blobs", "fs", "tasks", "volumes"):
                (self.dir / sub).mkdir(parents=True, exist_ok=True)
            self.ids: dict[str, Any] = collections.defaultdict(lambda: itertools.count(1))
            self.boot = f"{int(time.time()):012X}"
            self.apps: dict[str, App] = {}
            self.deployed: dict[tuple[str, str], str] = {}
            self.fns: dict[str, Fn] = {}
            self.calls: dict[str, Call] = {}
            self.inputs: dict[str, Input] = {}
            self.tasks: dict[str, Task] = {}
            self.mounts: dict[str, dict[str, str]] = {}  # mount id -> {remote path: sha256}
            self.files: dict[str, str] = {}  # sha256 -> blob file name
            self.images: dict[str, Any] = {}
            self.image_keys: dict[bytes, str] = {}
            self.named: dict[tuple[str, str, str], str] = {}  # (kind, env, name) -> id
            self.env_ids: dict[str, str] = {DEFAULT_ENVIRONMENT: "en-1"}
            self.faults: list[Fault] = []
            self.result_faults: list[ResultFault] = []
            self.cold_start_s = 0.0
            self.answers: collections.OrderedDict = collections.OrderedDict()
            self.rpc_log: collections.deque = collections.deque(maxlen=2000)
            self.grpc: grpclib.server.Server | None = None
            self.hole: asyncio.AbstractServer | None = None
            self.mode = "up"
            self.bg: set = set()
            self.cleared = Pulse()
            self.blob_status = 0
            self.blob_url = ""  # where clients find blobs, when not at the server itself

        # ------------------------------------------------------------------ plumbing
        def nid(self, prefix: str) -> str:
            # 26 upper-case characters after the dash, as Modal's: the client recognises remote
            # traceback frames by "<ta-[0-9A-Z]{26}>:"
            return f"{prefix}-01{self.boot}{next(self.ids[prefix]):012d}"

        def spawn(self, coro) -> None:
            t = asyncio.ensure_future(coro)
            self.bg.add(t)
            t.add_done_callback(self.bg.discard)

        def __mapping__(self):
            out = {}
            for path, h in super().__mapping__().items():
                name = path.rsplit("/", 1)[1]
                stream_out = h.cardinality is grpclib.const.Cardinality.UNARY_STREAM
                fn = getattr(self, ("s_" if stream_out else "u_") + name, None)
                out[path] = grpclib.const.Handler(
                    self._wrap(name, fn, stream_out), h.cardinality, h.request_type, h.reply_type
                )
            return out

        def _wrap(self, name: str, fn: Callable[..., Any] | None, stream_out: bool):
            async def handler(stream):
                req = await stream.recv_message()
                md = stream.metadata
                task_id = md.get("x-local-task")
                side = "container" if task_id else "client"
                ctx = Ctx(name, side, self.tasks.get(task_id) if task_id else None, md)
                t0, outcome = time.time(), "OK"
                try:
                    if side == "client" and (
                        md.get("x-modal-token-id") != TOKEN_ID or md.get("x-modal-token-secret") != TOKEN_SECRET
                    ):
                        raise GRPCError(Status.UNAUTHENTICATED, "Token ID is malformed or not found (local server)")
                    await self._faults(name, side, "before")
                    if fn is None:
                        raise GRPCError(Status.UNIMPLEMENTED, f"{name}: not provided by the local Modal server")
                    if stream_out:
                        async for item in fn(req, ctx):
                            await stream.send_message(item)
                        return
                    key = md.get("x-idempotency-key")
                    if name in IDEMPOTENT and key and (name, key) in self.answers:
                        resp = self.answers[(name, key)]
                        outcome = "OK (repeat)"
                    else:
                        resp = await fn(req, ctx)
                        if name in IDEMPOTENT and key:
                            self.answers[(name, key)] = resp
                            while len(self.answers) > 2000:
                                self.answers.popitem(last=False)
                    try:
                        await self._faults(name, side, "after")
                        await stream.send_message(resp)
                    except BaseException:
                        if name == "FunctionGetInputs":  # the container never saw them
                            self.take_back([self.inputs[item.input_id] for item in resp.inputs if item.input_id])
                        raise
                except GRPCError as exc:
                    outcome = exc.status.name
                    raise
                except asyncio.CancelledError:
                    outcome = "CANCELLED"
                    raise
                except Exception as exc:
                    outcome = f"BUG {exc!r}"
                    import traceback

                    traceback.print_exc()
                    raise GRPCError(Status.INTERNAL, f"local server bug in {name}: {exc!r}")
                finally:
                    self.rpc_log.append(
                        {
                            "t": round(t0, 3),
                            "rpc": name,
                            "side": side,
                            "outcome": outcome,
                            "s": round(time.time() - t0, 3),
                        }
                    )

            return handler

        async def _faults(self, name: str, side: str, when: str) -> None:
            for f in self.faults:
                if not f.matches(name, side, when):
                    continue
                f.use()
                if f.delay_s:
                    await self.cleared.wait(f.delay_s)  # `clear` releases waiting calls
                if f.status:
                    details = [api_pb2.RPCRetryPolicy(retry_after_secs=f.retry_after_s)] if f.retry_after_s else None
                    raise GRPCError(Status[f.status], f.message, details)

        def env_name(self, name: str) -> str:
            return name or DEFAULT_ENVIRONMENT

        # ------------------------------------------------------------------ client / environment / auth
        async def u_ClientHello(self, req, ctx):
            return api_pb2.ClientHelloResponse(image_builder_version=IMAGE_BUILDER_VERSION)

        async def u_WorkspaceNameLookup(self, req, ctx):
            return api_pb2.WorkspaceNameLookupResponse(username="local", workspace_name="local")

        async def u_AuthTokenGet(self, req, ctx):
            return api_pb2.AuthTokenGetResponse(token=_jwt({"exp": int(time.time()) + 3600}))

        async def u_EnvironmentGetOrCreate(self, req, ctx):
            name = self.env_name(req.deployment_name)
            if name not in self.env_ids:
                if req.object_creation_type == OCT.OBJECT_CREATION_TYPE_UNSPECIFIED:
                    raise GRPCError(Status.NOT_FOUND, f"Environment '{name}' not found")
                self.env_ids[name] = self.nid("en")
            return api_pb2.EnvironmentGetOrCreateResponse(
                environment_id=self.env_ids[name],
                metadata=api_pb2.EnvironmentMetadata(
                    name=name, settings=api_pb2.EnvironmentSettings(image_builder_version=IMAGE_BUILDER_VERSION)
                ),
            )

        # ------------------------------------------------------------------ apps
        async def u_AppCreate(self, req, ctx):
            app = App(self.nid("ap"), req.description, self.env_name(req.environment_name), req.app_state)
            self.apps[app.id] = app
            return api_pb2.AppCreateResponse(app_id=app.id, app_page_url=f"{self.admin_url}/app/{app.id}")

        async def u_AppGetByDeploymentName(self, req, ctx):
            env = self.env_name(req.environment_name)
            app_id = self.deployed.get((env, req.name), "")
            lifecycle = api_pb2.AppLifecycle()
            if app_id:
                lifecycle.app_state = self.apps[app_id].state
            return api_pb2.AppGetByDeploymentNameResponse(app_id=app_id, environment_name=env, lifecycle=lifecycle)

        async def u_AppGetOrCreate(self, req, ctx):
            env = self.env_name(req.environment_name)
            app_id = self.deployed.get((env, req.app_name))
            if app_id is None:
                if req.object_creation_type != OCT.OBJECT_CREATION_TYPE_CREATE_IF_MISSING:
                    raise GRPCError(Status.NOT_FOUND, f"App '{req.app_name}' not found in environment '{env}'")
                app = App(self.nid("ap"), req.app_name, env, api_pb2.APP_STATE_DEPLOYED)
                self.apps[app.id] = app
                app_id = self.deployed[(env, req.app_name)] = app.id
            return api_pb2.AppGetOrCreateResponse(app_id=app_id)

        async def u_AppHeartbeat(self, req, ctx):
            app = self.apps.get(req.app_id)
            if app is None or app.state == api_pb2.APP_STATE_STOPPED:
                raise GRPCError(Status.FAILED_PRECONDITION, "App is stopped")
            return Empty()

        async def u_AppGetLayout(self, req, ctx):
            return api_pb2.AppGetLayoutResponse(app_layout=self.layout(self.apps[req.app_id]))

        async def u_AppPublish(self, req, ctx):
            app = self.apps[req.app_id]
            old = dict(app.function_ids)
            app.function_ids, app.class_ids = dict(req.function_ids), dict(req.class_ids)
            for fid in app.function_ids.values():
                self.fns[fid].crash_streak, self.fns[fid].not_before = 0, 0.0
            app.state, app.deployed_at, app.version = req.app_state, time.time(), app.version + 1
            if req.name:
                app.name = req.name
            if req.app_state == api_pb2.APP_STATE_DEPLOYED:
                self.deployed[(app.environment, app.name)] = app.id
            for fid in set(old.values()) | set(app.function_ids.values()):
                if fid in self.fns:
                    self.stop_tasks(self.fns[fid])  # containers of the former version drain
            for fid in app.function_ids.values():
                fn = self.fns[fid]
                fn.live = True
                self.reconcile(fn)
            return api_pb2.AppPublishResponse(url=f"{self.admin_url}/app/{app.id}", deployed_at=app.deployed_at)

        async def u_AppClientDisconnect(self, req, ctx):
            app = self.apps.get(req.app_id)
            if app and app.state not in (api_pb2.APP_STATE_DEPLOYED, api_pb2.APP_STATE_DETACHED):
                self.stop_app(app)
            return Empty()

        async def u_AppStop(self, req, ctx):
            if req.app_id in self.apps:
                self.stop_app(self.apps[req.app_id])
            return Empty()

        def stop_app(self, app: App) -> None:
            app.state = api_pb2.APP_STATE_STOPPED
            self.deployed = {k: v for k, v in self.deployed.items() if v != app.id}
            for fn in self.fns.values():
                if fn.app_id == app.id:
                    fn.live = False
                    self.stop_tasks(fn, kill=True)
            app.log_pulse.fire()

        def layout(self, app: App):
            ids = set(app.function_ids.values()) | set(app.class_ids.values())
            for fid in app.function_ids.values():
                fn = self.fns.get(fid)
                if fn:
                    ids |= {d.object_id for d in fn.proto.object_dependencies}
            return api_pb2.AppLayout(
                function_ids=app.function_ids, class_ids=app.class_ids, objects=[self.object(i) for i in sorted(ids)]
            )

        def object(self, oid: str):
            if oid.startswith("fu-"):
                return api_pb2.Object(object_id=oid, function_handle_metadata=self.handle(self.fns[oid]))
            if oid.startswith("cs-"):
                return api_pb2.Object(object_id=oid, class_handle_metadata=api_pb2.ClassHandleMetadata())
            if oid.startswith("vo-"):
                return api_pb2.Object(object_id=oid, volume_metadata=api_pb2.VolumeMetadata())
            if oid.startswith("mo-"):
                return api_pb2.Object(
                    object_id=oid, mount_handle_metadata=api_pb2.MountHandleMetadata(content_checksum_sha256_hex=oid)
                )
            return api_pb2.Object(object_id=oid)

        # ------------------------------------------------------------------ logs
        def log(self, fn: Fn, task: Task, line: str, fd: int) -> None:
            app = self.apps[fn.app_id]
            entry = {"data": line, "fd": fd, "ts": time.time(), "task_id": task.id, "function_id": fn.id}
            app.logs.append((len(app.logs) + 1, entry))
            app.log_pulse.fire()

        def log_batches(self, rows: list[tuple[int, dict]]):
            for seq, e in rows:
                yield api_pb2.TaskLogsBatch(
                    task_id=e["task_id"],
                    function_id=e["function_id"],
                    entry_id=f"{seq}-0",
                    items=[
                        api_pb2.TaskLogs(
                            data=e["data"],
                            file_descriptor=e["fd"],
                            timestamp=e["ts"],
                            timestamp_ns=int(e["ts"] * 1e9),
                            container_id=e["task_id"],
                        )
                    ],
                )

        async def s_AppGetLogs(self, req, ctx):
            app = self.apps.get(req.app_id)
            if app is None:
                raise GRPCError(Status.NOT_FOUND, f"App {req.app_id} not found")
            last = int((req.last_entry_id or "0-0").split("-")[0] or 0)
            end = time.monotonic() + (req.timeout or 55)
            while True:
                rows = [
                    r
                    for r in app.logs
                    if r[0] > last and (not req.function_id or r[1]["function_id"] == req.function_id)
                ]
                for batch in self.log_batches(rows):
                    yield batch
                if app.logs:
                    last = app.logs[-1][0]
                if app.state == api_pb2.APP_STATE_STOPPED:
                    yield api_pb2.TaskLogsBatch(app_done=True)
                    return
                if time.monotonic() > end:
                    return
                await app.log_pulse.wait(min(1.0, end - time.monotonic()))

        # ------------------------------------------------------------------ mounts, blobs, images, secrets, volumes
        async def u_MountBatchedCheckExistence(self, req, ctx):
            return api_pb2.MountBatchedCheckExistenceResponse(
                missing_sha256_hex_hashes=[h for h in req.sha256_hex_hashes if h not in self.files]
            )

        async def u_MountPutFile(self, req, ctx):
            kind = req.WhichOneof("data_oneof")
            if kind == "data":
                (self.dir / "blobs" / req.sha256_hex).write_bytes(req.data)
                self.files[req.sha256_hex] = req.sha256_hex
            elif kind == "data_blob_id":
                self.files[req.sha256_hex] = req.data_blob_id
            return api_pb2.MountPutFileResponse(exists=req.sha256_hex in self.files)

        async def u_MountGetOrCreate(self, req, ctx):
            if req.deployment_name:  # Modal's own published mounts: the client package, python builds
                key = ("mount", "", req.deployment_name)
                mid = self.named.setdefault(key, "") or self.nid("mo")
                self.named[key] = mid
                self.mounts.setdefault(mid, {})
            else:
                files = {f.filename: f.sha256_hex for f in req.files}
                digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
                key = ("mount-files", "", digest)
                if key not in self.named:
                    self.named[key] = self.nid("mo")
                mid = self.named[key]
                self.mounts[mid] = files
            return api_pb2.MountGetOrCreateResponse(
                mount_id=mid, handle_metadata=api_pb2.MountHandleMetadata(content_checksum_sha256_hex=mid)
            )

        async def u_BlobCreate(self, req, ctx):
            bid = self.nid("bl")
            return api_pb2.BlobCreateResponse(
                blob_ids=[bid], upload_urls=api_pb2.UploadUrlList(items=[self.blob(bid, ctx)])
            )

        def blob(self, blob_id: str, ctx: Ctx) -> str:
            return f"{(ctx.side == 'client' and self.blob_url) or self.admin_url}/blob/{blob_id}"

        async def u_BlobGet(self, req, ctx):
            if not (self.dir / "blobs" / req.blob_id).exists():
                raise GRPCError(Status.NOT_FOUND, f"blob {req.blob_id} not found")
            return api_pb2.BlobGetResponse(download_url=self.blob(req.blob_id, ctx))

        async def u_ImageGetOrCreate(self, req, ctx):
            key = req.image.SerializeToString(deterministic=True) + req.builder_version.encode()
            if key not in self.image_keys:
                iid = self.nid("im")
                self.image_keys[key] = iid
                self.images[iid] = req.image
            return api_pb2.ImageGetOrCreateResponse(
                image_id=self.image_keys[key],
                result=R(status=R.GENERIC_STATUS_SUCCESS),  # "already built": nothing is ever built here
                metadata=api_pb2.ImageMetadata(
                    image_builder_version=req.builder_version,
                    python_version_info="Python " + sys.version.split()[0],
                    workdir="/root",
                ),
            )

        async def u_VolumeGetOrCreate(self, req, ctx):
            env = self.env_name(req.environment_name)
            key = ("volume", env, req.deployment_name)
            t, vid = req.object_creation_type, self.named.get(("volume", env, req.deployment_name))
            if t == OCT.OBJECT_CREATION_TYPE_EPHEMERAL or not req.deployment_name:
                vid = self.nid("vo")
            elif vid is None:
                if t == OCT.OBJECT_CREATION_TYPE_UNSPECIFIED:
                    raise GRPCError(
                        Status.NOT_FOUND, f"Volume '{req.deployment_name}' not found in environment '{env}'"
                    )
                vid = self.named[key] = self.nid("vo")
            elif t == OCT.OBJECT_CREATION_TYPE_CREATE_FAIL_IF_EXISTS:
                raise GRPCError(Status.ALREADY_EXISTS, f"Volume '{req.deployment_name}' already exists")
            (self.dir / "volumes" / vid).mkdir(exist_ok=True)
            version = req.version or api_pb2.VOLUME_FS_VERSION_V1
            return api_pb2.VolumeGetOrCreateResponse(
                volume_id=vid,
                version=version,
                metadata=api_pb2.VolumeMetadata(name=req.deployment_name, version=version),
            )

        async def u_VolumeCommit(self, req, ctx):
            return api_pb2.VolumeCommitResponse(skip_reload=True)

        async def u_VolumeReload(self, req, ctx):
            return Empty()

        async def u_VolumeHeartbeat(self, req, ctx):
            return Empty()

        # ------------------------------------------------------------------ functions and classes
        def handle(self, fn: Fn):
            p = fn.proto
            common: dict[str, Any] = {"app_id": fn.app_id}
            return api_pb2.FunctionHandleMetadata(
                function_name=p.function_name,
                function_type=p.function_type,
                web_url=p.web_url,
                is_method=p.is_method,
                definition_id=fn.definition_id,
                class_parameter_info=p.class_parameter_info,
                function_schema=p.function_schema,
                supported_input_formats=p.supported_input_formats,
                supported_output_formats=p.supported_output_formats,
                method_handle_metadata={
                    name: api_pb2.FunctionHandleMetadata(
                        function_name=m.function_name,
                        function_type=m.function_type,
                        web_url=m.web_url,
                        is_method=True,
                        use_method_name=name,
                        function_schema=m.function_schema,
                        definition_id=fn.definition_id,
                        supported_input_formats=m.supported_input_formats,
                        supported_output_formats=m.supported_output_formats,
                        **common,
                    )
                    for name, m in p.method_definitions.items()
                },
                **common,
            )

        def new_fn_id(self, app_id: str) -> str:
            fid = self.nid("fu")
            self.fns[fid] = Fn(fid, app_id, api_pb2.Function(), api_pb2.FunctionData(), self.nid("de"))
            return fid

        async def u_FunctionPrecreate(self, req, ctx):
            fid = req.existing_function_id or self.new_fn_id(req.app_id)
            md = api_pb2.FunctionHandleMetadata(
                function_name=req.function_name,
                function_type=req.function_type,
                function_schema=req.function_schema,
                app_id=req.app_id,
                method_handle_metadata={
                    n: api_pb2.FunctionHandleMetadata(
                        function_name=m.function_name,
                        function_type=m.function_type,
                        is_method=True,
                        use_method_name=n,
                        function_schema=m.function_schema,
                        app_id=req.app_id,
                    )
                    for n, m in req.method_definitions.items()
                },
            )
            return api_pb2.FunctionPrecreateResponse(function_id=fid, handle_metadata=md)

        async def u_FunctionCreate(self, req, ctx):
            fid = req.existing_function_id or self.new_fn_id(req.app_id)
            fn = self.fns[fid]
            data = api_pb2.FunctionData()
            if req.function_data.ranked_functions:  # gpu=[...] fallbacks
                data.CopyFrom(req.function_data)
            else:
                for field in data.DESCRIPTOR.fields:  # FunctionData repeats many of Function's fields
                    src = req.function.DESCRIPTOR.fields_by_name.get(field.name)
                    if src is None or field.name == "ranked_functions" or src.type != field.type:
                        continue
                    if field.message_type is not None and field.message_type.GetOptions().map_entry:
                        target, source = getattr(data, field.name), getattr(req.function, field.name)
                        for k in source:
                            if field.message_type.fields_by_name["value"].message_type is not None:
                                target[k].CopyFrom(source[k])
                            else:
                                target[k] = source[k]
                    elif field.is_repeated:
                        getattr(data, field.name).extend(getattr(req.function, field.name))
                    elif field.message_type is not None:
                        if req.function.HasField(field.name):
                            getattr(data, field.name).CopyFrom(getattr(req.function, field.name))
                    else:
                        setattr(data, field.name, getattr(req.function, field.name))
                data.ranked_functions.add(rank=0, function=req.function)
            for r in data.ranked_functions:
                gpu = r.function.resources.gpu_config
                if gpu.count and gpu.gpu_type.upper() not in GPU_TYPES:
                    raise GRPCError(Status.INVALID_ARGUMENT, f"Not a valid GPU type: {gpu.gpu_type}")
            if data.webhook_config.type:  # recorded, so that .remote() is refused as on Modal; never served
                url = f"{self.admin_url}/web/{fid}"
                data.web_url = url
                for r in data.ranked_functions:
                    r.function.web_url = url
            fn.data, fn.proto, fn.app_id = data, data.ranked_functions[0].function, req.app_id
            fn.definition_id = self.nid("de")
            return api_pb2.FunctionCreateResponse(
                function_id=fid, function=fn.proto, function_data=data, handle_metadata=self.handle(fn)
            )

        async def u_ClassCreate(self, req, ctx):
            return api_pb2.ClassCreateResponse(
                class_id=req.existing_class_id or self.nid("cs"), handle_metadata=api_pb2.ClassHandleMetadata()
            )

        def find_app(self, name: str, environment: str) -> App:
            env = self.env_name(environment)
            app_id = self.deployed.get((env, name))
            if app_id is None:
                raise GRPCError(Status.NOT_FOUND, f"App '{name}' not found in environment '{env}'")
            return self.apps[app_id]

        async def u_FunctionGet(self, req, ctx):
            app = self.find_app(req.app_name, req.environment_name)
            fid = app.function_ids.get(req.object_tag)
            if fid is None:
                details = None
                if req.object_tag in app.class_ids:
                    details = [api_pb2.FunctionLookupError(reason=api_pb2.FunctionLookupError.REASON_CLASS_NAME_USED)]
                raise GRPCError(
                    Status.NOT_FOUND, f"App '{req.app_name}' has no function named '{req.object_tag}'", details
                )
            fn = self.fns[fid]
            return api_pb2.FunctionGetResponse(function_id=fid, handle_metadata=self.handle(fn), function=fn.data)

        async def u_ClassGet(self, req, ctx):
            app = self.find_app(req.app_name, req.environment_name)
            cid = app.class_ids.get(req.object_tag)
            if cid is None:
                raise GRPCError(Status.NOT_FOUND, f"App '{req.app_name}' has no class named '{req.object_tag}'")
            return api_pb2.ClassGetResponse(class_id=cid, handle_metadata=api_pb2.ClassHandleMetadata())

        # ------------------------------------------------------------------ statistics
        def current_stats(self, fn: Fn) -> dict[str, int]:
            live = [t for t in fn.tasks.values() if not t.dead]
            values = {
                "backlog": len(fn.pending),
                "num_total_tasks": len(live),
                "num_running_inputs": fn.running(),
                "input_headroom": sum(
                    max(0, fn.max_per_container - len(t.running)) for t in live if t.ready_at and not t.stopping
                ),
            }
            values.update(fn.override)
            return values

        async def u_SecretGetOrCreate(self, req, ctx):
            return api_pb2.SecretGetOrCreateResponse(secret_id=self.nid("st"))

        async def u_FunctionUpdateSchedulingParams(self, req, ctx):
            if req.function_id not in self.fns:
                raise GRPCError(Status.NOT_FOUND, f"Function {req.function_id} not found")
            fn = self.fns[req.function_id]
            fn.proto.autoscaler_settings.MergeFrom(req.settings)
            self.reconcile(fn)
            return api_pb2.FunctionUpdateSchedulingParamsResponse(current_settings=fn.proto.autoscaler_settings)

        async def u_FunctionGetSchedulingParams(self, req, ctx):
            if req.function_id not in self.fns:
                raise GRPCError(Status.NOT_FOUND, f"Function {req.function_id} not found")
            response = api_pb2.FunctionGetSchedulingParamsResponse()
            response.autoscaler_configuration.settings.CopyFrom(self.fns[req.function_id].proto.autoscaler_settings)
            return response

        async def u_FunctionGetCurrentStats(self, req, ctx):
            if req.function_id not in self.fns:
                raise GRPCError(Status.NOT_FOUND, f"Function {req.function_id} not found")
            return api_pb2.FunctionStats(**self.current_stats(self.fns[req.function_id]))

        # ------------------------------------------------------------------ calls: client side
        def new_call(self, function_id: str, kind: int, invocation: int, parent: str) -> Call:
            fn = self.fns.get(function_id)
            if fn is None or not fn.live:
                raise GRPCError(Status.NOT_FOUND, f"Function {function_id} not found or its App is stopped")
            call = Call(self.nid("fc"), fn, kind, invocation, parent)
            self.calls[call.id] = call
            return call

        def add_input(self, call: Call, item) -> Input:
            inp = Input(self.nid("in"), call, item.idx, item.input)
            call.inputs[inp.id] = self.inputs[inp.id] = inp
            self.enqueue(inp)
            return inp

        def input_jwt(self, inp: Input) -> str:
            return _jwt(
                {"idx": inp.idx, "input_id": inp.id, "function_call_id": inp.call.id, "retry_count": inp.retry_count}
            )

        def enqueue(self, inp: Input) -> None:
            fn = inp.call.fn
            for rf in self.result_faults:
                if rf.count and fnmatch.fnmatchcase(fn.name, rf.function):
                    if rf.count > 0:
                        rf.count -= 1
                    inp.state = "running"
                    self.spawn(self._canned(inp, rf))
                    return
            inp.state = "pending"
            fn.pending.append(inp)
            fn.pulse.fire()
            self.reconcile(fn)

        async def _canned(self, inp: Input, rf: ResultFault) -> None:
            await asyncio.sleep(rf.delay_s)
            kind, _, msg = rf.exception.partition(":")
            exc_type = getattr(builtins, kind.strip(), None)
            result = R(status=R.GenericStatus.Value(f"GENERIC_STATUS_{rf.result}"), exception=rf.exception)
            if rf.result in ("FAILURE", "INIT_FAILURE") and isinstance(exc_type, type):
                result.data = pickle.dumps(exc_type(msg.strip()), 4)
            self.finish(inp, result, api_pb2.DATA_FORMAT_PICKLE)

        async def u_FunctionMap(self, req, ctx):
            call = self.new_call(
                req.function_id, req.function_call_type, req.function_call_invocation_type, req.parent_input_id
            )
            items = [self.add_input(call, item) for item in req.pipelined_inputs]
            return api_pb2.FunctionMapResponse(
                function_call_id=call.id,
                function_call_jwt=_jwt({"function_call_id": call.id}),
                retry_policy=call.fn.proto.retry_policy,
                max_inputs_outstanding=1000,
                sync_client_retries_enabled=call.invocation != ASYNC,
                pipelined_inputs=[
                    api_pb2.FunctionPutInputsResponseItem(idx=i.idx, input_id=i.id, input_jwt=self.input_jwt(i))
                    for i in items
                ],
            )

        def call_of(self, cid: str) -> Call:
            if cid not in self.calls:
                raise GRPCError(Status.NOT_FOUND, f"Function call {cid} not found")
            return self.calls[cid]

        async def u_FunctionPutInputs(self, req, ctx):
            call = self.call_of(req.function_call_id)
            items = [self.add_input(call, item) for item in req.inputs]
            return api_pb2.FunctionPutInputsResponse(
                inputs=[
                    api_pb2.FunctionPutInputsResponseItem(idx=i.idx, input_id=i.id, input_jwt=self.input_jwt(i))
                    for i in items
                ]
            )

        async def u_FunctionFinishInputs(self, req, ctx):
            self.call_of(req.function_call_id).num_inputs = req.num_inputs
            return Empty()

        async def u_FunctionRetryInputs(self, req, ctx):
            jwts = []
            for item in req.inputs:
                inp = self.inputs[_unjwt(item.input_jwt)["input_id"]]
                inp.retry_count = max(item.retry_count, inp.retry_count + 1)
                inp.payload = item.input
                self.enqueue(inp)
                jwts.append(self.input_jwt(inp))
            return api_pb2.FunctionRetryInputsResponse(input_jwts=jwts)

        async def u_FunctionGetOutputs(self, req, ctx):
            call = self.call_of(req.function_call_id)
            last = int((req.last_entry_id or "0-0").split("-")[0] or 0)
            end = time.monotonic() + req.timeout
            while True:
                if call.expired:
                    return api_pb2.FunctionGetOutputsResponse(last_entry_id=f"{last}-0", num_unfinished_inputs=0)
                rows = [r for r in call.outputs if r[0] > last]
                if req.HasField("start_idx"):
                    rows = [r for r in rows if req.start_idx <= r[1].idx <= req.end_idx]
                rows = rows[: req.max_values or 100]
                remaining = end - time.monotonic()
                if rows or remaining <= 0:
                    if rows:
                        last = rows[-1][0]
                        if req.clear_on_success:
                            gone = {r[0] for r in rows}
                            call.outputs = [r for r in call.outputs if r[0] not in gone]
                    return api_pb2.FunctionGetOutputsResponse(
                        outputs=[r[1] for r in rows],
                        idxs=[r[1].idx for r in rows],
                        last_entry_id=f"{last}-0",
                        num_unfinished_inputs=call.unfinished(),
                    )
                await call.pulse.wait(remaining)

        async def u_FunctionCallFromId(self, req, ctx):
            call = self.call_of(req.function_call_id)
            return api_pb2.FunctionCallFromIdResponse(
                function_call_id=call.id,
                num_inputs=call.num_inputs or len(call.inputs),
                metadata=api_pb2.FunctionCallHandleMetadata(app_id=call.fn.app_id, function_id=call.fn.id),
            )

        async def u_FunctionCallCancel(self, req, ctx):
            call = self.call_of(req.function_call_id)
            for inp in call.inputs.values():
                if inp.state == "pending":
                    with contextlib.suppress(ValueError):
                        call.fn.pending.remove(inp)
                    self.finish(inp, R(status=R.GENERIC_STATUS_TERMINATED, exception="Input was cancelled by user"), 0)
                elif inp.state == "running" and inp.task_id in self.tasks:
                    task = self.tasks[inp.task_id]
                    if req.terminate_containers:
                        self.kill(task, "cancelled")
                        self.finish(inp, R(status=R.GENERIC_STATUS_TERMINATED, exception="Input was cancelled"), 0)
                    else:
                        task.cancel_ids.append(inp.id)
                        task.cancel_pulse.fire()
            return Empty()

        # ------------------------------------------------------------------ calls: container side
        def task_of(self, ctx: Ctx) -> Task:
            if ctx.task is None:
                raise GRPCError(Status.PERMISSION_DENIED, "only containers may call this")
            return ctx.task

        async def u_ContainerHello(self, req, ctx):
            return Empty()

        async def u_ContainerHeartbeat(self, req, ctx):
            task = self.task_of(ctx)
            if not task.cancel_ids:
                await task.cancel_pulse.wait(14.0)
            ids, task.cancel_ids = task.cancel_ids, []
            if ids:
                return api_pb2.ContainerHeartbeatResponse(cancel_input_event=api_pb2.CancelInputEvent(input_ids=ids))
            return api_pb2.ContainerHeartbeatResponse()

        async def u_ContainerStop(self, req, ctx):
            if req.task_id in self.tasks:
                self.tasks[req.task_id].stopping = True
                self.tasks[req.task_id].fn.pulse.fire()
            return api_pb2.ContainerStopResponse()

        async def u_FunctionGetDynamicConcurrency(self, req, ctx):
            return api_pb2.FunctionGetDynamicConcurrencyResponse(concurrency=req.max_concurrency)

        async def u_TaskResult(self, req, ctx):
            task = self.task_of(ctx)
            task.init_result = req.result  # import error or exception in @modal.enter()
            return Empty()

        async def u_FunctionGetInputs(self, req, ctx):
            task = self.task_of(ctx)
            fn = task.fn
            if not task.ready_at:
                task.ready_at = task.idle_since = time.time()
                fn.crash_streak = 0
                fn.started.append((task.ready_at, task.ready_at - task.created_at))
            poll_end = time.monotonic() + 20
            batch: list[Input] = []
            linger_end = None
            while True:
                if task.dead:
                    raise GRPCError(Status.ABORTED, "container was terminated")
                if task.stopping and not batch:
                    return self._kill_switch()
                while fn.pending and not task.stopping and len(batch) < max(1, req.batch_max_size):
                    inp = fn.pending.popleft()
                    inp.state, inp.started_at, inp.task_id = "running", time.time(), task.id
                    task.running[inp.id] = inp
                    batch.append(inp)
                    if not req.batch_max_size:
                        break
                now = time.monotonic()
                if batch:
                    if linger_end is None:
                        linger_end = now + req.batch_linger_ms / 1000
                    if not req.batch_max_size or len(batch) >= req.batch_max_size or now >= linger_end:
                        for inp in batch:
                            inp.started_at = time.time()
                        return api_pb2.FunctionGetInputsResponse(inputs=[self._deliver(i) for i in batch])
                    try:
                        await fn.pulse.wait(linger_end - now)
                    except asyncio.CancelledError:
                        self.take_back(batch)
                        raise
                    continue
                window = fn.setting("scaledown_window", 60)
                if not task.running and time.time() - task.idle_since >= window:
                    others = [t for t in fn.tasks.values() if not t.stopping and not t.dead and t is not task]
                    if len(others) >= fn.setting("min_containers", 0):
                        task.stopping = True
                        continue
                if now >= poll_end:
                    return api_pb2.FunctionGetInputsResponse()
                await fn.pulse.wait(0.5)

        def take_back(self, inputs: list[Input]) -> None:
            """Put inputs back that were handed to a connection that is gone."""
            for inp in inputs:
                if inp.state == "running":
                    self.tasks[inp.task_id].running.pop(inp.id, None)
                    inp.state = "pending"
                    inp.call.fn.pending.appendleft(inp)
                    inp.call.fn.pulse.fire()

        def _kill_switch(self):
            return api_pb2.FunctionGetInputsResponse(inputs=[api_pb2.FunctionGetInputsItem(kill_switch=True)])

        def _deliver(self, inp: Input):
            return api_pb2.FunctionGetInputsItem(
                input_id=inp.id,
                input=inp.payload,
                function_call_id=inp.call.id,
                retry_count=inp.retry_count,
                function_call_invocation_type=inp.call.invocation,
                function_map_idx=inp.idx,
            )

        async def u_FunctionPutOutputs(self, req, ctx):
            task = self.task_of(ctx)
            for item in req.outputs:
                inp = task.running.pop(item.input_id, None)
                if inp is not None and inp.state == "running":
                    self.finish(inp, item.result, item.data_format)
            if not task.running:
                task.idle_since = time.time()
            task.fn.pulse.fire()
            return Empty()

        # ------------------------------------------------------------------ results and retries
        def finish(self, inp: Input, result, data_format: int) -> None:
            call, fn = inp.call, inp.call.fn
            if inp.task_id in self.tasks:
                self.tasks[inp.task_id].running.pop(inp.id, None)
            policy = fn.proto.retry_policy
            retryable = result.status in (R.GENERIC_STATUS_FAILURE, R.GENERIC_STATUS_TIMEOUT)
            if retryable and call.invocation == ASYNC and inp.retry_count < policy.retries:
                # spawned inputs are retried by the server, .remote() ones by the client (FunctionRetryInputs)
                delay = policy.initial_delay_ms * policy.backoff_coefficient**inp.retry_count / 1000
                inp.retry_count += 1
                inp.state = "pending"
                asyncio.get_running_loop().call_later(
                    min(max(delay, 1.0), (policy.max_delay_ms or 60000) / 1000), self.enqueue, inp
                )
                return
            inp.state, inp.finished_at, inp.status = "done", time.time(), result.status
            item = api_pb2.FunctionGetOutputsItem(
                idx=inp.idx,
                input_id=inp.id,
                result=result,
                data_format=data_format,
                task_id=inp.task_id,
                input_started_at=inp.started_at,
                output_created_at=inp.finished_at,
                retry_count=inp.retry_count,
            )
            call.outputs.append((next(call.seq), item))
            fn.finished.append(
                {
                    "enqueued": inp.enqueued_at,
                    "started": inp.started_at,
                    "finished": inp.finished_at,
                    "status": inp.status,
                }
            )
            call.pulse.fire()

        # ------------------------------------------------------------------ containers
        def reconcile(self, fn: Fn) -> None:
            """Start containers until there are as many as the settings and the backlog ask for."""
            if not fn.live or fn.proto.is_builder_function or fn.proto.webhook_config.type:
                return
            if time.time() < fn.not_before:  # the ticker comes back to it
                return
            live = [t for t in fn.tasks.values() if not t.stopping and not t.dead]
            busy = len(fn.pending) + fn.running()
            want = math.ceil(busy / fn.per_container)
            if busy:
                want += fn.setting("buffer_containers", 0)
            want = max(want, fn.setting("min_containers", 0))
            want = min(want, fn.setting("max_containers", 0) or opts.max_containers, opts.max_containers)
            for _ in range(want - len(live)):
                task = Task(self.nid("ta"), fn)
                fn.tasks[task.id] = self.tasks[task.id] = task
                self.spawn(self.run_task(task))

        def stop_tasks(self, fn: Fn, kill: bool = False) -> None:
            for t in list(fn.tasks.values()):
                t.stopping = True
                if kill:
                    self.kill(t, "app stopped")
            fn.pulse.fire()

        def kill(self, task: Task, why: str) -> None:
            task.killed_for = task.killed_for or why
            task.dead = task.stopping = True
            if task.proc and task.proc.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    task.proc.kill()

        def materialize(self, proto) -> Path:
            """Lay out the files that `modal deploy` uploaded, as they would be in the container's /."""
            ids = sorted(m for m in proto.mount_ids if self.mounts.get(m))
            copies = []  # add_local_*(copy=True): "COPY . <dest>" layers with a context mount
            iid = proto.image_id
            while iid in self.images:
                img = self.images[iid]
                for cmd in img.dockerfile_commands:
                    if img.context_mount_id and cmd.startswith("COPY . "):
                        copies.append((img.context_mount_id, cmd.split(None, 2)[2].strip()))
                iid = img.base_images[0].image_id if img.base_images else ""
            key = hashlib.sha256(json.dumps([ids, copies]).encode()).hexdigest()[:16]
            root = self.dir / "fs" / key
            if not root.exists():
                tmp = Path(tempfile.mkdtemp(dir=self.dir / "fs"))
                (tmp / "root").mkdir(exist_ok=True)
                plan = [(m, "/") for m in ids] + [(m, d) for m, d in copies if m in self.mounts]
                for mid, dest in plan:
                    for name, sha in self.mounts[mid].items():
                        target = tmp / dest.lstrip("/") / name.lstrip("/")
                        target.parent.mkdir(parents=True, exist_ok=True)
                        shutil.copyfile(self.dir / "blobs" / self.files[sha], target)
                tmp.rename(root)
            return root

        def image_env(self, image_id: str) -> dict[str, str]:
            chain, out = [], {}
            while image_id in self.images:
                chain.append(self.images[image_id])
                image_id = chain[-1].base_images[0].image_id if chain[-1].base_images else ""
            for img in reversed(chain):
                for cmd in img.dockerfile_commands:
                    if cmd.startswith("ENV ") and "=" in cmd and "PATH=" not in cmd:
                        for part in shlex.split(cmd[4:]):
                            k, _, v = part.partition("=")
                            out[k] = v
            return out

        async def run_task(self, task: Task) -> None:
            fn = task.fn
            proto = fn.proto
            try:
                begun = time.monotonic()
                while time.monotonic() - begun < self.cold_start_s:  # a test that ends the cold start ends this one
                    await asyncio.sleep(0.05)
                if task.dead or not fn.live:
                    return
                root = self.materialize(proto)
                app = self.apps[fn.app_id]
                args = api_pb2.ContainerArguments(
                    task_id=task.id,
                    function_id=fn.id,
                    app_id=fn.app_id,
                    function_def=proto,
                    serialized_params=fn.serialized_params,
                    environment_name=app.environment,
                    app_layout=self.layout(app),
                )
                arg_file = self.dir / "tasks" / f"{task.id}.args"
                arg_file.write_bytes(args.SerializeToString())
                env = {k: v for k, v in os.environ.items() if not k.startswith("MODAL_") and k != "PYTHONPATH"}
                env.update(self.image_env(proto.image_id))
                env.update(
                    MODAL_SERVER_URL=self.grpc_url,
                    MODAL_IS_REMOTE="1",
                    MODAL_TASK_ID=task.id,
                    MODAL_IMAGE_ID=proto.image_id,
                    MODAL_ENVIRONMENT=app.environment,
                    MODAL_CONTAINER_ARGUMENTS_PATH=str(arg_file),
                    MODAL_OVERRIDE_HEADERS=f"x-local-task:{task.id}",
                    MODAL_LOCAL_ROOT=str(root),
                    MODAL_LOCAL_VOLUMES=json.dumps(
                        {v.mount_path: str(self.dir / "volumes" / v.volume_id) for v in proto.volume_mounts}
                    ),
                    PYTHONPATH=os.pathsep.join([str(root / "root")]),
                    PYTHONUNBUFFERED="1",
                    PYTHONDONTWRITEBYTECODE="1",  # what lies there is what was deployed
                    NO_PROXY="127.0.0.1,localhost",
                    no_proxy="127.0.0.1,localhost",
                )
                (out, into_out), (err, into_err) = await _pipe(), await _pipe()
                files = (into_out, into_err)
                task.proc = await asyncio.to_thread(forked.start, forked.CONTAINER, [], env, *files, cwd=root / "root")
                for file in files:
                    os.close(file)

                async def pump(stream, fd):
                    async for raw in stream:
                        self.log(fn, task, raw.decode("utf8", "replace"), fd)

                await asyncio.gather(
                    pump(out, api_pb2.FILE_DESCRIPTOR_STDOUT),
                    pump(err, api_pb2.FILE_DESCRIPTOR_STDERR),
                )
                await asyncio.to_thread(task.proc.wait)
            except Exception as exc:  # cannot even start
                print(f"[server] container {task.id} of {fn.name} could not be started: {exc!r}", flush=True)
                task.init_result = R(status=R.GENERIC_STATUS_FAILURE, exception=f"container could not start: {exc!r}")
            finally:
                task.dead = True
                fn.tasks.pop(task.id, None)
                failed_init = task.init_result is not None and not task.ready_at
                exit_code = task.proc.returncode if task.proc else None
                if failed_init or (not task.ready_at and not task.killed_for):
                    fn.container_errors += 1
                    fn.crash_streak += 1
                    fn.not_before = time.time() + min(0.25 * 2**fn.crash_streak, 10)
                    # Modal retries crashing containers of deployed Apps for ever (with back-off), so callers
                    # just wait; for ephemeral Apps it gives up and fails the pending inputs.
                    ephemeral = self.apps[fn.app_id].state != api_pb2.APP_STATE_DEPLOYED
                    limit = 1 if ephemeral else 0
                    if limit and fn.crash_streak >= limit:
                        result = task.init_result or R(
                            status=R.GENERIC_STATUS_INIT_FAILURE, exception=f"container exited with code {exit_code}"
                        )
                        while fn.pending:
                            self.finish(fn.pending.popleft(), result, api_pb2.DATA_FORMAT_UNSPECIFIED)
                for inp in list(task.running.values()):
                    if inp.state != "running":
                        continue
                    inp.crashes += 1
                    if inp.crashes <= 1:
                        inp.state = "pending"
                        fn.pending.appendleft(inp)
                    else:
                        self.finish(
                            inp,
                            R(
                                status=R.GENERIC_STATUS_INTERNAL_FAILURE,
                                exception=f"Container exited with code {exit_code} while it ran the input",
                            ),
                            0,
                        )
                task.running.clear()
                fn.pulse.fire()
                if fn.pending:
                    self.reconcile(fn)

        async def ticker(self) -> None:
            while True:
                await asyncio.sleep(0.1)
                now = time.time()
                for fn in list(self.fns.values()):
                    limit = fn.proto.timeout_secs or 300
                    for task in list(fn.tasks.values()):
                        late = [i for i in task.running.values() if i.state == "running" and now - i.started_at > limit]
                        for inp in late:
                            self.finish(
                                inp,
                                R(
                                    status=R.GENERIC_STATUS_TIMEOUT,
                                    exception=f"Task's current input {inp.id} hit its timeout of {limit}s",
                                ),
                                0,
                            )
                        if late:
                            self.kill(task, "timeout")
                        startup = fn.proto.startup_timeout_secs or limit
                        if not task.ready_at and not task.dead and now - task.created_at > startup:
                            task.init_result = R(
                                status=R.GENERIC_STATUS_INIT_FAILURE,
                                exception=f"Container start-up hit its timeout of {startup}s",
                            )
                            self.kill(task, "startup timeout")
                    if fn.live:
                        self.reconcile(fn)

        # ------------------------------------------------------------------ listening, admin
        @property
        def grpc_url(self) -> str:
            return f"http://{opts.host}:{opts.port}"

        @property
        def admin_url(self) -> str:
            return f"http://{opts.host}:{opts.port + 1}"

        async def listen(self) -> None:
            self.grpc = grpclib.server.Server([self], status_details_codec=custom_detail_codec)
            await self.grpc.start(opts.host, opts.port, reuse_address=True)
            self.mode = "up"

        async def unlisten(self) -> None:
            if self.grpc:
                for h in list(self.grpc._handlers):  # drop open connections, as a dead host would
                    with contextlib.suppress(Exception):
                        h.close()
                for transport in list(_transports(self.grpc)):
                    with contextlib.suppress(Exception):
                        transport.abort()
                self.grpc.close()
                self.grpc = None
            if self.hole:
                self.hole.close()
                self.hole = None

        async def set_mode(self, mode: str) -> None:
            await self.unlisten()
            if mode == "up":
                await self.listen()
            elif mode == "blackhole":  # accepts TCP, never answers

                class Silent(asyncio.Protocol):
                    pass

                self.hole = await asyncio.get_running_loop().create_server(
                    Silent, opts.host, opts.port, reuse_address=True
                )
            self.mode = mode

        def snapshot(self) -> dict:
            return {
                "mode": self.mode,
                "cold_start_s": self.cold_start_s,
                "state_dir": str(self.dir),
                "faults": [dataclasses.asdict(f) for f in self.faults],
                "result_faults": [dataclasses.asdict(f) for f in self.result_faults],
                "apps": {
                    f"{env}/{name}": {
                        "app_id": aid,
                        "version": self.apps[aid].version,
                        "functions": dict(self.apps[aid].function_ids),
                    }
                    for (env, name), aid in self.deployed.items()
                },
                "functions": {
                    fn.id: dict(
                        name=fn.name,
                        variant_of=fn.base_id,
                        live=fn.live,
                        gpus=[
                            r.function.resources.gpu_config.gpu_type
                            for r in fn.data.ranked_functions
                            if r.function.resources.gpu_config.count
                        ],
                        timeout_s=fn.proto.timeout_secs,
                        retries=fn.proto.retry_policy.retries,
                        **self.current_stats(fn),
                    )
                    for fn in self.fns.values()
                    if fn.proto.function_name
                },
                "calls": {
                    c.id: {
                        "function": c.fn.name,
                        "inputs": len(c.inputs),
                        "unfinished": c.unfinished(),
                        "expired": c.expired,
                    }
                    for c in self.calls.values()
                },
            }

        def admin_app(self):
            app = web.Application(client_max_size=2**32)
            routes = web.RouteTableDef()

            @routes.put("/blob/{id}")
            async def put_blob(request):
                if self.blob_status:
                    return web.Response(status=self.blob_status, text="injected blob fault")
                data = await request.read()
                (self.dir / "blobs" / request.match_info["id"]).write_bytes(data)
                return web.Response(headers={"ETag": f'"{hashlib.md5(data).hexdigest()}"'})

            @routes.get("/blob/{id}")
            async def get_blob(request):
                if self.blob_status:
                    return web.Response(status=self.blob_status, text="injected blob fault")
                path = self.dir / "blobs" / request.match_info["id"]
                return web.Response(body=path.read_bytes()) if path.exists() else web.Response(status=404)

            @routes.get("/state")
            async def state(request):
                return web.json_response(self.snapshot())

            @routes.get("/rpcs")
            async def rpcs(request):
                return web.json_response(list(self.rpc_log))

            @routes.post("/{verb}")
            async def post(request):
                verb = request.match_info["verb"]
                body = await request.json() if request.can_read_body else {}
                if verb == "fault":
                    if body.get("status"):
                        Status[body["status"]]  # KeyError -> 500: misspelt status
                    self.faults.append(Fault(**body))
                elif verb == "result_fault":
                    self.result_faults.append(ResultFault(**body))
                elif verb == "clear":
                    self.faults.clear()
                    self.result_faults.clear()
                    for fn in self.fns.values():
                        fn.override.clear()
                    self.cold_start_s, self.blob_status, self.blob_url = 0.0, 0, ""
                    self.cleared.fire()
                    if self.mode != "up":
                        await self.set_mode("up")
                elif verb == "config":
                    self.cold_start_s = float(body.get("cold_start_s", self.cold_start_s))
                    self.blob_status = int(body.get("blob_status", self.blob_status))
                    self.blob_url = body.get("blob_url", self.blob_url)
                elif verb in ("up", "down", "blackhole"):
                    await self.set_mode(verb)
                elif verb == "expire":
                    for c in self.calls.values():
                        if fnmatch.fnmatchcase(c.id, body.get("function_call_id", "*")):
                            c.expired = True
                            c.pulse.fire()
                elif verb == "stop_app":
                    for app in [a for a in self.apps.values() if a.name == body["name"]]:
                        self.stop_app(app)
                elif verb == "kill_containers":
                    for t in list(self.tasks.values()):
                        if not t.dead and fnmatch.fnmatchcase(t.fn.name, body.get("function", "*")):
                            self.kill(t, "killed by admin")
                elif verb == "stats":
                    pattern = body.pop("function", "*")
                    for fn in self.fns.values():
                        if fnmatch.fnmatchcase(fn.name, pattern):
                            fn.override.update({k: int(v) for k, v in body.items()})
                else:
                    return web.json_response({"error": f"unknown verb {verb}"}, status=404)
                return web.json_response({"ok": True, "mode": self.mode})

            app.add_routes(routes)
            return app

    def _transports(server):
        # grpclib keeps handlers; each has the tasks' streams, whose connection knows the transport
        seen = set()
        for h in list(server._handlers):
            for stream_task in list(getattr(h, "_tasks", {}) or {}):
                tr = getattr(
                    getattr(getattr(stream_task, "_h2_stream", stream_task), "connection", None), "_transport", None
                )
                if tr is not None and id(tr) not in seen:
                    seen.add(id(tr))
                    yield tr
        for tr in list(_OPEN.get(id(server), ())):
            if id(tr) not in seen:
                yield tr

    # remember every accepted transport so that `down` can cut idle connections too
    _OPEN: dict[int, set] = collections.defaultdict(set)
    original_factory = grpclib.server.Server._protocol_factory

    def tracking_factory(self):
        protocol = original_factory(self)
        made, lost = protocol.connection_made, protocol.connection_lost

        def connection_made(transport):
            _OPEN[id(self)].add(transport)
            protocol._local_transport = transport
            made(transport)

        def connection_lost(exc):
            _OPEN[id(self)].discard(getattr(protocol, "_local_transport", None))
            lost(exc)

        protocol.connection_made, protocol.connection_lost = connection_made, connection_lost
        return protocol

    grpclib.server.Server._protocol_factory = tracking_factory

    ControlPlane.__abstractmethods__ = frozenset()
    return ControlPlane(), web


async def serve(opts: argparse.Namespace) -> None:
    plane, web = build_server(opts)
    runner = web.AppRunner(plane.admin_app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, opts.host, opts.port + 1, reuse_address=True).start()
    await plane.listen()
    ticker = asyncio.ensure_future(plane.ticker())
    stop = asyncio.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    await stop.wait()
    ticker.cancel()
    for task in list(plane.tasks.values()):
        plane.kill(task, "server exit")
    await plane.unlisten()
    await runner.cleanup()
    shutil.rmtree(plane.dir, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(serve(argparse.Namespace(host="127.0.0.1", port=int(sys.argv[1]), max_containers=4)))
