"""Registers the custom components: their scripts and styles lie beside them and nothing comes from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

UI = Path(__file__).parent
SHARED_SCRIPTS = ("dom", "keys", "boxes", "actions", "species")


def register(name: str, scripts: Sequence[str]) -> Any:
    """Register app/ui/<name>/<script>.js, in order, with <name>.css. Call once, at import.

    All scripts become one module, after the shared ones; the last has the default export.
    """
    js = [(UI / "shared" / f"{script}.js").read_text(encoding="utf-8") for script in SHARED_SCRIPTS]
    js += [(UI / name / f"{script}.js").read_text(encoding="utf-8") for script in scripts]
    css = [UI / "shared" / "shared.css", UI / name / f"{name}.css"]
    return st.components.v2.component(
        f"pugmark_{name}",
        js="\n".join(js),
        css="\n".join(path.read_text(encoding="utf-8") for path in css),
    )
