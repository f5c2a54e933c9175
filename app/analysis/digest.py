"""A short name of what is asked, the same in every process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def digest(value: Any) -> str:
    """24 characters that name a value made of arrays, bytes, numbers, text, lists, dicts and dataclasses."""
    mark = hashlib.sha256()
    _feed(mark, value)
    return mark.hexdigest()[:24]


def _feed(mark: Any, value: Any) -> None:
    if isinstance(value, np.ndarray):
        mark.update(f"{value.shape} {value.dtype} ".encode())
        mark.update(np.ascontiguousarray(value).data)
    elif isinstance(value, bytes):
        mark.update(value)
    elif is_dataclass(value) and not isinstance(value, type):
        _feed(mark, [getattr(value, field.name) for field in fields(value)])
    elif isinstance(value, Mapping):
        _feed(mark, [part for name in sorted(value) for part in (name, value[name])])
    elif isinstance(value, list | tuple):
        mark.update(f"{len(value)} [".encode())
        for element in value:
            _feed(mark, element)
    else:
        mark.update(f"{value!r} ".encode())
