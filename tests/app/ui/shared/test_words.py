"""Names from people and files in Markdown."""

from __future__ import annotations

import pytest

from app.ui.shared.words import plain


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("T-001", "T-001"),
        ("Ridge 3: first day", "Ridge 3: first day"),
        (":material/home:", "\\:\u2060material/home:"),
        ("T:01:", "T\\:01:"),
        ("![x](http://a)", "!\\[x\\](http\\://a)"),
        ("<b>", "\\<b\\>"),
        ("*a* _b_ ~~c~~ `d` $e$", "\\*a\\* \\_b\\_ \\~\\~c\\~\\~ \\`d\\` \\$e\\$"),
        ("# T", "\\# T"),
        ("1. T", "1\\. T"),
        ("- T", "\\- T"),
        ("55.6 km (1) 2) x", "55.6 km (1) 2) x"),
        ("PUGMARK_IMPORT_ROOTS __a__", "PUGMARK_IMPORT_ROOTS \\_\\_a\\_\\_"),
        ("a\\b", "a\\\\b"),
        ("www.a.org ana@a.org", "www\\.a.org ana\\@a.org"),
    ],
)
def test_what_markdown_would_read_is_escaped_and_nothing_else(text: str, escaped: str) -> None:
    assert plain(text) == escaped
