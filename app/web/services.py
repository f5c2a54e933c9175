"""What the routes work on; the server's lifespan fills it, pages ask whether it is there."""

from __future__ import annotations

from dataclasses import dataclass

from app.jobs.process import WorkerProcess
from app.settings import Settings
from app.survey.database import Survey
from app.web.tokens import Signer


@dataclass
class Services:
    """Empty until the server's lifespan has opened the survey."""

    settings: Settings | None = None
    survey: Survey | None = None
    signer: Signer | None = None
    worker: WorkerProcess | None = None

    @property
    def ready(self) -> bool:
        """Whether the routes are served by this process, with the survey open."""
        return self.survey is not None and self.signer is not None and self.settings is not None


services = Services()
