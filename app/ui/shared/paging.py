"""Long lists a page at a time: the numbers of the pages where there are several, and the rows of the chosen one."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.ui.shared.address import Parameter, go


def page_of(total: int, size: int, **widget: Any) -> slice:
    """Draw the numbers of the pages, and the rows of the chosen one.

    Args:
        size: rows of a page.
        widget: its key, or what binds it to the address.
    """
    pages = _pages(total, size)
    return _rows(st.pagination(pages, **widget) if pages > 1 else 1, pages, size)


def page_in_address(page: Parameter[int], total: int, size: int) -> slice:
    """The rows of the page in the address; `turn_pages` draws the numbers, below them."""
    return _rows(page.read(), _pages(total, size), size)


def turn_pages(page: Parameter[int], total: int, size: int, key: str) -> None:
    """Draw the numbers of the pages; another one goes to the address. key: changes with what is listed."""
    pages = _pages(total, size)
    if pages > 1:
        number = min(page.read(), pages)
        turned = st.pagination(pages, default=number, key=f"{key}-{number}")
        if turned != number:
            go({page: turned})


def _pages(total: int, size: int) -> int:
    return max(-(-total // size), 1)


def _rows(number: int, pages: int, size: int) -> slice:
    first = (min(number, pages) - 1) * size
    return slice(first, first + size)
