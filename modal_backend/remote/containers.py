"""What the classes of the Modal app share: load before the memory snapshot, wake after it, answer."""

from __future__ import annotations

from typing import Any, ClassVar

import modal

from modal_backend.remote.serving import Served


class Container:
    """A container with the models of one class; a class says which one is loaded at its start, and how it answers."""

    model: ClassVar[str]

    @modal.enter(snap=True)
    def load(self) -> None:
        """Load the model; the memory snapshot is taken after it."""
        self.served = Served(self.model)

    @modal.enter(snap=False)
    def wake(self) -> None:
        """The container begins to take calls."""
        self.served.wake()


class OneCallContainer(Container):
    """Takes one call at a time."""

    @modal.method()
    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        """The answer to a call."""
        return self.served.answer([call])[0]
