"""What the bars that cameras burn into pictures say, as it was read, and the times that people took from them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment


class StampReading(Base):
    """What the stamp reader made of one media; a row without text when there is none.

    dates: what the date can be as ISO text, by the order of its parts (ymd, mdy, dmy). time: as 19:53:17. burst: the
    place and the length. form: how date and time are written. text: the lines they were read from. box: where these
    stand, x, y, width, height relative to the picture. lines: all that was read, [text, score, second reading] each.
    doubts: sentences. failure: why the media could not be read.
    """

    __tablename__ = "stamp_reading"

    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"), primary_key=True)
    model_version_id: Mapped[int | None] = mapped_column(ForeignKey("model_version.id"))
    grammar: Mapped[str] = mapped_column(String(16))
    dates: Mapped[dict[str, Any]] = mapped_column(default=dict)
    time: Mapped[str | None] = mapped_column(String(8))
    celsius: Mapped[float | None]
    label: Mapped[str] = mapped_column(String(80), default="")
    burst: Mapped[list[Any]] = mapped_column(default=list)
    form: Mapped[str] = mapped_column(String(80), default="")
    text: Mapped[str] = mapped_column(default="")
    box: Mapped[list[Any]] = mapped_column(default=list)
    lines: Mapped[list[Any]] = mapped_column(default=list)
    doubts: Mapped[list[Any]] = mapped_column(default=list)
    failure: Mapped[str | None]
    call_id: Mapped[int | None] = mapped_column(ForeignKey("call.id"))
    created_at: Mapped[Moment]


class MediaTime(Base):
    """The time that a person says the camera's clock showed: it counts in place of what the file says.

    at: as 2024-03-12T05:41:07.
    """

    __tablename__ = "media_time"

    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"), primary_key=True)
    at: Mapped[str] = mapped_column(String(19))
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]
