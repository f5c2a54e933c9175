"""Why a file was not taken in, in words a person can act on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Refusal(StrEnum):
    """One reason for not taking a file in."""

    EMPTY = "empty"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    VIDEO_DAMAGED = "clip_damaged"
    VIDEO_WITHOUT_PICTURES = "clip_without_pictures"
    DECOMPRESSION_BOMB = "decompression_bomb"
    TOO_LARGE = "too_large"
    TOO_COSTLY = "too_costly"
    UNREADABLE = "unreadable"
    NOT_A_FILE = "not_a_file"
    SYMLINK_OUTSIDE = "symlink_outside"
    SYMLINK_FOLDER = "symlink_folder"
    SYMLINK_BROKEN = "symlink_broken"
    DAMAGED_ARCHIVE = "damaged_archive"
    DAMAGED_ENTRY = "damaged_entry"
    ENCRYPTED = "encrypted"
    TOO_MANY_ENTRIES = "too_many_entries"
    UNSUPPORTED_COMPRESSION = "unsupported_compression"
    ZIP_BOMB = "zip_bomb"
    ZIP_DUPLICATE_NAME = "zip_duplicate_name"
    ZIP_ENTRY_OUTSIDE = "zip_entry_outside"
    ZIP_IN_ZIP = "zip_in_zip"
    ZIP_NAMES_UNCLEAR = "zip_names_unclear"
    ZIP_SYMLINK = "zip_symlink"
    ZIP_WITHOUT_FILES = "zip_without_files"
    SHADOW = "shadow"
    THUMBNAIL = "thumbnail"
    BEFORE_EDIT = "before_edit"


LEFT_OUT = frozenset({Refusal.SHADOW, Refusal.THUMBNAIL, Refusal.BEFORE_EDIT})


MESSAGES: dict[Refusal, str] = {
    Refusal.EMPTY: "The file is empty; copy it from the memory card again.",
    Refusal.TRUNCATED: "The file ends before the picture does; copy it from the memory card again.",
    Refusal.DAMAGED: "The picture cannot be decoded; copy it from the memory card again.",
    Refusal.NOT_AN_IMAGE: "This is neither a picture nor a video; leave it out of the import.",
    Refusal.UNSUPPORTED_FORMAT: "This picture format is not read yet; save it as JPEG, PNG or WebP first.",
    Refusal.VIDEO_DAMAGED: "Nothing in this video can be decoded; copy it from the memory card again.",
    Refusal.VIDEO_WITHOUT_PICTURES: "This video holds no moving pictures; leave it out of the import.",
    Refusal.DECOMPRESSION_BOMB: "The picture unpacks beyond the limit; save it smaller, or raise the limit.",
    Refusal.TOO_LARGE: "The file is larger than the limit; save it smaller, or raise the limit.",
    Refusal.TOO_COSTLY: "Reading this file takes more than one file may; save it anew, or leave it out.",
    Refusal.UNREADABLE: "The file or folder cannot be read; check that it is there and open to Pugmark.",
    Refusal.NOT_A_FILE: "This is a pipe, a socket, a device or a folder, not a file; leave it out.",
    Refusal.SYMLINK_OUTSIDE: "This link leads out of the import; copy what it points to into the folder.",
    Refusal.SYMLINK_FOLDER: "Links to folders are not followed; the files are read where they really lie.",
    Refusal.SYMLINK_BROKEN: "This link leads nowhere; copy what it pointed to into the folder.",
    Refusal.DAMAGED_ARCHIVE: "The zip cannot be opened: it is damaged, incomplete or split; make it again.",
    Refusal.DAMAGED_ENTRY: "This file is damaged inside the zip; make the zip again.",
    Refusal.ENCRYPTED: "This file is locked with a password; unpack the zip and import the folder.",
    Refusal.TOO_MANY_ENTRIES: "The zip holds more files than the limit; unpack it and import the folder.",
    Refusal.UNSUPPORTED_COMPRESSION: "This zip compression is not read; make the zip again with deflate.",
    Refusal.ZIP_BOMB: "The zip unpacks to far more than it should; unpack it and import the folder.",
    Refusal.ZIP_DUPLICATE_NAME: "The zip holds another file of this name; rename one and make the zip again.",
    Refusal.ZIP_ENTRY_OUTSIDE: "The name leads out of the zip or is no plain path; rename it and zip again.",
    Refusal.ZIP_IN_ZIP: "A zip inside a zip is not opened; unpack the outer one and import the folder.",
    Refusal.ZIP_SYMLINK: "This is a link inside the zip, not a picture; put the picture itself into the zip.",
    Refusal.ZIP_NAMES_UNCLEAR: "The zip does not say how this name is written; choose a code page, or unpack it.",
    Refusal.ZIP_WITHOUT_FILES: "The zip holds no file that can be imported; make it again.",
    Refusal.SHADOW: "This is what macOS keeps beside a file, not a picture; it is left out.",
    Refusal.THUMBNAIL: "This is the small picture that a camera writes beside a video; it is left out.",
    Refusal.BEFORE_EDIT: "This is a picture as it was before a program changed its time; it is left out.",
}


class Refused(Exception):
    """A file was not taken in. `message` is one sentence for the user, `detail` the facts behind it."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(refusal, detail)
        self.refusal = refusal
        self.detail = detail

    @property
    def message(self) -> str:
        """What is wrong and what to do about it."""
        message = MESSAGES[self.refusal]
        if self.refusal is Refusal.ZIP_NAMES_UNCLEAR:
            return f"{message.removesuffix('.')}: {self.detail}."
        return message

    def __str__(self) -> str:
        return f"{self.message} ({self.detail})" if self.detail else self.message


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A refusal with the path (relative to the import, printable) of what was refused."""

    path: str
    refusal: Refusal
    message: str
    detail: str

    @property
    def is_left_out(self) -> bool:
        """Whether the file is no media of its own, rather than one that cannot be taken in."""
        return self.refusal in LEFT_OUT

    @classmethod
    def of(cls, path: str, refused: Refused) -> RefusedFile:
        """The refusal of one path."""
        return cls(path, refused.refusal, refused.message, refused.detail)
