"""A field that narrows a list to one of its stations, species, imports; empty for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st


def pick(label: str, options: Sequence[Any], present: Any, names: Mapping[Any, str] | None = None) -> Any:
    """Draw the field; returns what is chosen, None for all.

    Args:
        present: what is chosen now; stays an option when there is none of it any more.
        names: of the options, where they differ from these.
    """
    known = list(options) if present is None or present in options else [present, *options]
    return st.selectbox(
        label,
        known,
        index=known.index(present) if present is not None else None,
        format_func=lambda choice: (names or {}).get(choice, str(choice)),
        placeholder="All",
        key=f"{label}-{present}",
    )
