"""Registers the custom components: their scripts and styles lie beside them and nothing comes from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

SHARED = Path(__file__).parent
SHARED_SCRIPTS = ("dom", "keys", "boxes", "actions", "species")


def register(folder: Path, scripts: Sequence[str]) -> Any:
    """Register the folder's scripts, in order, with the style sheet of its name. Call once, at import.

    All scripts become one module, after the shared ones; the last has the default export.
    """
    js = [(SHARED / f"{script}.js").read_text(encoding="utf-8") for script in SHARED_SCRIPTS]
    js += [(folder / f"{script}.js").read_text(encoding="utf-8") for script in scripts]
    css = [SHARED / "shared.css", folder / f"{folder.name}.css"]
    return st.components.v2.component(
        f"pugmark_{folder.name}",
        js="\n".join(js),
        css="\n".join(path.read_text(encoding="utf-8") for path in css),
    )
