"""Pages to print, in every script that the names on them need and a font is there for."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fpdf import FPDF

FONT = "Roboto"
# Fonts beside Roboto (Latin, Greek, Cyrillic), each looked into for the signs that those before it lack.
MORE_FONTS = {
    "fontpkg_noto_sans_devanagari": "files/NotoSansDevanagari[wdth,wght].ttf",
    "fontpkg_hind_siliguri": "files/HindSiliguri-Regular.ttf",  # Bengali, Assamese
    "fontpkg_noto_sans_arabic": "files/NotoSansArabic[wdth,wght].ttf",
    "fontpkg_noto_sans_thai": "files/NotoSansThai[wdth,wght].ttf",
    "fontpkg_noto_sans_tamil": "files/NotoSansTamil[wdth,wght].ttf",
    "fontpkg_noto_sans_telugu": "files/NotoSansTelugu[wdth,wght].ttf",
    "fontpkg_noto_sans_khmer": "files/NotoSansKhmer[wdth,wght].ttf",
    "noto_cjk_sans_jp_regular": "NotoSansCJKjp-Regular.otf",  # Chinese, Japanese, Korean
}
JOINERS = {"\u200c", "\u200d"}  # they shape their neighbours and have no look of their own


class Document(FPDF):
    """A4 pages. A sign that no font has is printed as a question mark.

    Attributes:
        lacking: the signs of the texts that no font has.
    """

    def __init__(self, texts: Iterable[str], scratch: Path) -> None:
        """Bring the fonts that these texts need.

        Args:
            scratch: an empty folder, which has to stay until the document is written.
        """
        super().__init__(format="A4")
        self.set_margin(10)
        self.set_auto_page_break(True, margin=14)
        self.lacking = {sign for text in texts for sign in text if not sign.isspace()} - JOINERS
        folder = files("font_roboto") / "files"
        for style, name in (("", "Roboto-Regular.ttf"), ("B", "Roboto-Bold.ttf")):
            with as_file(folder / name) as path:
                self.add_font(FONT, style, path)
        self.lacking -= _signs(folder / "Roboto-Regular.ttf")
        self._add_fonts(scratch)
        self.set_font(FONT, size=9)

    def _add_fonts(self, scratch: Path) -> None:
        """Add the fonts that have what is lacking, with those signs alone: a font of all Chinese takes seconds."""
        added = []
        for module, name in MORE_FONTS.items():
            if not self.lacking:
                break
            font = files(module) / name
            if has := self.lacking & _signs(font):
                place = scratch / f"{module}{Path(name).suffix}"
                _write_subset(font, has | JOINERS, place)
                self.add_font(module, "", place)
                added.append(module)
                self.lacking -= has
        if added:
            self.set_fallback_fonts(added, exact_match=False)
            self.set_text_shaping(True)

    def shown(self, text: str) -> str:
        """A text on one line, as it can be printed."""
        return "".join("?" if sign in self.lacking else sign for sign in " ".join(text.split()))

    def fitted(self, text: str, width: float) -> str:
        """A text as it can be printed, cut where it is wider than this many millimetres."""
        shown = self.shown(text)
        if self.get_string_width(shown) <= width:
            return shown
        while shown and self.get_string_width(f"{shown}…") > width:
            shown = shown[:-1]
        return f"{shown}…"

    def line_of(self, text: str, *, size: float = 9, style: str = "") -> None:
        """A paragraph."""
        self.set_font(FONT, style, size)
        self.multi_cell(0, size * 0.5, self.shown(text), new_x="LMARGIN", new_y="NEXT")

    def footer(self) -> None:
        """The number of the page."""
        self.set_y(-10)
        self.set_font(FONT, size=8)
        self.cell(0, 5, str(self.page_no()), align="C")

    def cannot_print(self) -> str:
        """The scripts of the signs that no font has, in words; empty when there are none."""
        scripts = sorted({unicodedata.name(sign, "UNNAMED").split()[0].capitalize() for sign in self.lacking})
        return f"No font here has signs of {', '.join(scripts)}: they are printed as ?." if scripts else ""


def _signs(font: Traversable) -> set[str]:
    """What a font can draw."""
    with as_file(font) as path, TTFont(path, lazy=True) as opened:
        return {chr(code) for code in opened.getBestCmap()}


def _write_subset(font: Traversable, signs: set[str], place: Path) -> None:
    """Write the part of a font that draws these signs, with their ligatures."""
    options = subset.Options(layout_features=["*"], name_IDs=["*"], hinting=False, glyph_names=False)
    with as_file(font) as path:
        opened = subset.load_font(str(path), options, dontLoadGlyphNames=True)
    part = subset.Subsetter(options)
    part.populate(unicodes=[ord(sign) for sign in signs])
    part.subset(opened)
    opened.save(str(place))
