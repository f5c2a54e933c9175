"""What the classes of the Modal app share: load before the memory snapshot, wake after it, answer."""

from __future__ import annotations

from typing import Any, ClassVar

import modal

from modal_backend.remote.serving import Served


class Container:
    """A container with the models of one class; `model` is loaded at its start."""

    model: ClassVar[str]

    @modal.enter(snap=True)
    def load(self) -> None:
        """Load the model; the memory snapshot is taken after it."""
        self.served = Served(self.model)

    @modal.enter(snap=False)
    def wake(self) -> None:
        """The container begins to take calls."""
        self.served.wake()


def answer_batch(self: Container, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One answer a call; the method of a class that takes several calls at once."""
    return self.served.answer(calls)


def answer_call(self: Container, call: dict[str, Any]) -> dict[str, Any]:
    """The answer to a call; the method of a class that takes one at a time."""
    return self.served.answer([call])[0]
