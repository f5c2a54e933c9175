"""Column types and the declarative base every table shares.

Two kinds of time: `Moment` is when this program did something (seconds since 1970, UTC); capture times are naive
datetimes in the camera's local time and never get a zone.
"""

from __future__ import annotations

import time
from typing import Annotated, Any, ClassVar

from sqlalchemy import JSON, Float, MetaData
from sqlalchemy.orm import DeclarativeBase, mapped_column

Moment = Annotated[float, mapped_column(Float, default=time.time)]


class Base(DeclarativeBase):
    """Base of all tables, with constraint names that migrations can refer to."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {dict[str, Any]: JSON, list[Any]: JSON}
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
