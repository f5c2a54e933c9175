"""Which encoding a text has: by its mark, by its validity, or by which candidate makes words of its language."""

from __future__ import annotations

import re
import unicodedata
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from dataclasses import dataclass
from functools import lru_cache

# Windows first, because spreadsheets write it; the first of equals is taken.
SINGLE_BYTE = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "cp1255", "cp1256", "cp1258", "iso8859_2",
               "koi8_r", "koi8_u", "cp850", "cp852", "cp866", "cp857", "cp737", "mac_roman", "mac_latin2",
               "mac_cyrillic", "mac_turkish", "cp775")  # fmt: skip
MULTI_BYTE = ("gb18030", "shift_jis", "big5", "euc_kr", "euc_jp")
ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", *SINGLE_BYTE, "cp874", *MULTI_BYTE)
NAMES = {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252", "cp1250": "Windows-1250",
         "cp1251": "Windows-1251", "cp1253": "Windows-1253", "cp1254": "Windows-1254", "cp850": "DOS 850",
         "cp866": "DOS 866", "mac_roman": "Mac Roman"}  # fmt: skip
# The letters beyond ASCII of each language, by its ISO 639-1 code.
LETTERS = {
    "de": "äöüß", "fr": "àâæçéèêëîïôœùûüÿ", "es": "áéíñóúü", "pt": "ãáâàçéêíóôõúü", "it": "àèéìíòóùú",
    "nl": "áéèëïíóöü", "sv": "åäöéà", "da": "æøåéö", "no": "æøåéòô", "nb": "æøåéòô", "nn": "æøåéòô", "fi": "äöåšž",
    "is": "áðéíóúýþæö", "pl": "ąćęłńóśźż", "cs": "áčďéěíňóřšťúůýž", "sk": "áäčďéíĺľňóôŕšťúýž", "hu": "áéíóöőúüű",
    "ro": "ăâîșțşţ", "hr": "čćđšž", "bs": "čćđšž", "sl": "čšžćđ", "tr": "çğıöşüâîi̇", "et": "äöõüšž",
    "lv": "āčēģīķļņšūž", "lt": "ąčęėįšųūž", "vi": "àáâãèéêìíòóôõùúýăđĩũơư",
}  # fmt: skip
WESTERN = "".join(LETTERS[name] for name in ("de", "fr", "es", "pt", "it", "nl", "sv", "da"))
EVERY = "".join(LETTERS.values())
OTHER_SCRIPTS = {"CYRILLIC", "GREEK", "HEBREW", "ARABIC"}
SIGNS = frozenset("“”‘’„‚–—…°€£§«»¿¡•·½¼¾²³ºª™®©×±µ№\xa0")
# What has no space for longer is no word, and looked at piece by piece.
WORD = re.compile(r"\S{1,200}|\xa0")
SAMPLE_BYTES = 64 * 1024
LIKELY = 0.7
CLOSE = 0.02
# So many signs beyond ASCII settle on a code page of DOS or the Mac, too.
MANY_SIGNS = 60


@dataclass(frozen=True)
class Decoded:
    """The text of a file, its encoding, and what is doubtful about that."""

    text: str
    encoding: str
    doubts: tuple[str, ...] = ()


def decode(data: bytes, encoding: str | None = None) -> Decoded:
    """Bytes as text without its byte order mark.

    Args:
        encoding: what a person chose, of ENCODINGS; None finds it out.
    """
    if encoding is not None:
        return _whole(data, encoding, ())
    if data.startswith((BOM_UTF32_LE, BOM_UTF32_BE)):
        return _whole(data, "utf-32", ())
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return _whole(data, "utf-16", ())
    if not data.startswith(BOM_UTF8) and b"\x00" in data and (found := _unmarked_utf16(data)):
        return _whole(data, found, ())
    if _is_utf8(data):
        return _whole(data, "utf-8", ())
    return _legacy(data)


def name_of(encoding: str) -> str:
    """An encoding as people call it."""
    return NAMES.get(encoding, encoding.replace("_", " ").upper())


def _whole(data: bytes, encoding: str, doubts: tuple[str, ...]) -> Decoded:
    name = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        return Decoded(data.decode(name).removeprefix("\ufeff"), encoding, doubts)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(name, errors="replace")
        line = len(re.findall(r"\r\n|\r|\n", before)) + 1
        lost = f"Line {line} holds bytes that are not {name_of(encoding)}; they are shown as �."
        return Decoded(data.decode(name, errors="replace").removeprefix("\ufeff"), encoding, (*doubts, lost))


def _is_utf8(data: bytes) -> bool:
    """UTF-8, but for a few broken bytes among many good letters."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", errors="replace")
        broken, beyond_ascii = text.count("\ufffd"), len(text) - len(text.encode("ascii", "ignore"))
        return broken * 10 <= beyond_ascii - broken
    return True


def _unmarked_utf16(data: bytes) -> str | None:
    """UTF-16 without a mark: most of the zeros of its spaces, digits and line ends stand on the same side."""
    sample = data[:SAMPLE_BYTES]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(data) % 2 or even + odd < len(sample) / 50 or min(even, odd) * 4 > max(even, odd):
        return None
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return encoding


def _legacy(data: bytes) -> Decoded:
    lines = [line for line in data[: 16 * SAMPLE_BYTES].splitlines() if not line.isascii()]
    sample = b"\n".join(lines)[:SAMPLE_BYTES]
    scores = {name: _fit(sample, data[:4096], name) for name in SINGLE_BYTE}
    best = next(name for name in SINGLE_BYTE if scores[name] > max(scores.values()) - CLOSE)
    if scores[best] < LIKELY and (other := _asian(lines)):
        return _whole(data, other, (f"The encoding is a guess: {name_of(other)}. Look whether the texts are right.",))
    seen = sample.decode(best, errors="replace")
    close = [name for name, score in scores.items() if score > max(scores.values()) - CLOSE]
    rivals = [name for name in close if sample.decode(name, errors="replace") != seen]
    usual = best.startswith("cp125") or len(sample) - len(sample.decode("ascii", "ignore")) >= MANY_SIGNS
    sure = scores[best] >= LIKELY and not rivals and usual
    guess = f"The encoding is a guess: {name_of(best)}{_or(rivals)}. Look whether the texts are right."
    return _whole(data, best, () if sure else (guess,))


def _or(rivals: list[str]) -> str:
    return f", or {name_of(rivals[0])}" if rivals else ""


def _asian(lines: list[bytes]) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(b"\n".join(lines[:400]), cp_isolation=["cp874", *MULTI_BYTE]).best()
    return str(best.encoding) if best else None


def _fit(sample: bytes, beginning: bytes, encoding: str) -> float:
    """Which share of the signs beyond ASCII makes sense in the language that the text then has."""
    from py3langid.langid import classify

    text = sample.decode(encoding, errors="replace")
    language = classify(beginning.decode(encoding, errors="replace") + "\n" + text[:16000])[0]
    good = total = capitals = 0.0
    for word in WORD.findall(text):
        if word.isascii():
            continue
        for run in re.findall(r"[^\W\d_]+|[^\x00-\x7f]", word):
            strange = [sign for sign in run if sign > "\x7f"]
            total += len(strange)
            capitals += sum(sign.isupper() for sign in run[1:] if sign > "\x7f")
            good += _sense(run, strange, word, language)
    return (good - 0.3 * capitals) / total if total else 0.0


def _sense(run: str, strange: list[str], word: str, language: str) -> float:
    """How many of the strange signs of a run of letters (or of a single sign) make sense."""
    if not run[0].isalpha():
        inside = re.search(rf"[^\W\d_]{re.escape(run)}[^\W\d_]", word) or re.search(r"[^\x00-\x7f\w]{3}", word)
        return len(strange) * float(run in SIGNS and (run in "’·–—" or not inside))
    scripts = {_script(sign) for sign in run}
    if len(scripts) > 1 or not (run.islower() or run.isupper() or run.istitle() or run.lower() == run.upper()):
        return 0.0
    if scripts <= OTHER_SCRIPTS:
        return len(strange) * (0.95 if len(run) > 1 else 0.5)
    if len(run) > 3 and len(strange) > 0.6 * len(run):
        return 0.0
    own, foreign = (LETTERS[language], WESTERN) if language in LETTERS else (WESTERN, EVERY)
    return sum(1.0 if sign in own else 0.6 if sign in foreign else 0.0 for sign in run.lower() if sign > "\x7f")


@lru_cache(maxsize=2048)
def _script(sign: str) -> str:
    return unicodedata.name(sign, "NONE").split()[0]
