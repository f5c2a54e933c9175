"""One call, one key: Modal is told of a call that is sent again by the key under which it was sent before.

Modal's client gives every request such a key and keeps it while it tries again by itself; it takes a new one when it is
asked again, although an error may have come after the work was done. So the key is set here, where the request leaves:
the server answers the second request of one key with the call that the first has made. Tried with modal 1.6.4 and the
local control plane.
"""

from __future__ import annotations

import uuid
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import grpclib.client
import grpclib.events

HEADER = "x-idempotency-key"
BEGINNINGS = ("FunctionMap", "FunctionPutInputs")  # the requests that begin a call
_key = ContextVar("key", default="")
_listening: weakref.WeakSet[grpclib.client.Channel] = weakref.WeakSet()


@contextmanager
def sent_under(key: str, handle: Any) -> Iterator[None]:
    """What the block sends through a hydrated handle begins the call of this key, and no second one.

    Args:
        key: the same for every attempt at one call. A function that was deployed anew has never heard of it.
        handle: of the function.
    """
    _listen(_channel(handle))
    token = _key.set(f"{key}/{handle.object_id}")
    try:
        yield
    finally:
        _key.reset(token)


def _channel(handle: Any) -> grpclib.client.Channel:
    from modal._utils.async_utils import synchronizer

    return synchronizer._translate_in(handle).client._stub.FunctionMap.wrapped_method.channel


def _listen(channel: grpclib.client.Channel) -> None:
    if channel not in _listening:
        _listening.add(channel)
        grpclib.events.listen(channel, grpclib.events.SendRequest, _set_key)


async def _set_key(event: grpclib.events.SendRequest) -> None:
    method = event.method_name.rpartition("/")[2]
    if (key := _key.get()) and method in BEGINNINGS:
        event.metadata[HEADER] = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{key}/{method}"))
