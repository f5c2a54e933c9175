"""What the routes work on; the server's lifespan fills it, pages ask whether it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.jobs.process import WorkerProcess
from app.settings import Settings
from app.survey.database import Survey
from app.web.tokens import Signer

if TYPE_CHECKING:
    from app.web.demo import Demo


@dataclass(frozen=True, slots=True)
class Opened:
    """What routes work on once the survey is open."""

    settings: Settings
    survey: Survey
    signer: Signer


@dataclass
class Services:
    """Empty until the server's lifespan has opened the survey.

    demo: the visitors, where each has a survey of its own.
    """

    settings: Settings | None = None
    survey: Survey | None = None
    signer: Signer | None = None
    worker: WorkerProcess | None = None
    demo: Demo | None = None

    @property
    def ready(self) -> bool:
        """Whether the routes are served by this process, with the survey open."""
        return self.survey is not None and self.signer is not None and self.settings is not None

    def opened(self) -> Opened:
        """What is open. Raises RuntimeError before it is."""
        if self.settings is None or self.survey is None or self.signer is None:
            raise RuntimeError("a route was called before the survey was open")
        return Opened(self.settings, self.survey, self.signer)

    def of_visitor(self, visitor: str | None) -> Services:
        """What a visitor of the demo works on; without demo mode, these. Raises LookupError for nobody in the demo."""
        if self.demo is None:
            return self
        if visitor is None:
            raise LookupError("The demo does not know this browser: allow its cookie and reload the page.")
        return self.demo.of(visitor).services


services = Services()
