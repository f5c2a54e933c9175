"""Pugmark without a browser: `python -m app COMMAND`. Each command is a module in app/commands."""

from __future__ import annotations

import argparse
import atexit
import errno
import os
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from typing import NoReturn

from sqlalchemy.exc import DBAPIError

from app.commands.output import CommandFailed
from app.settings import BadSetting, load_settings
from app.storage.errors import StoreError
from app.survey.database import UNWRITABLE, trouble
from modal_backend.errors import sentence

# Name, module in app/commands, what it does. A module is imported when its command is given: some are slow to import.
COMMANDS = (
    ("import", "imports", "take a folder, a zip, an image or a video into the survey"),
    ("status", "status", "media by state, imports, queue"),
    ("worker", "work", "do the jobs of the queue"),
    ("sample", "sample", "draw the synthetic sample survey and take it in"),
    ("export", "exports", "write the survey in an exchange format"),
    ("notes", "notes", "keywords that tell categories of notes apart, and their clusters"),
    ("summarise", "summarise", "who is in a video, when, from where to where"),
    ("stamps", "stamps", "what the bars that cameras burn into pictures say"),
    ("ask", "ask", "ask the configured video language model about a video"),
    ("evaluate", "evaluate", "measure a model against known answers"),
    ("weights", "weights", "published weights: what is there, and fetch what is not"),
    ("backup", "backup", "the whole survey into one file, while it is in use"),
    ("restore", "restore", "a survey from its backup, into a new data folder"),
    ("check", "check", "every row, file, hash and thumbnail; mends what can be made again"),
    ("doctor", "doctor", "what works on this machine"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (2: the command or a setting cannot be used as given)."""
    options = parsed(sys.argv[1:] if arguments is None else arguments)
    try:
        status: int = options.run(load_settings(), options)
        return status
    except BadSetting as error:
        print(error, file=sys.stderr)
        return 2
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return error.code
    except StoreError as error:
        print(sentence(error), file=sys.stderr)
        return 1
    except (DBAPIError, sqlite3.Error) as error:
        print(trouble(error), file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EROFS, errno.EDQUOT):
            raise
        full = f"{error.strerror}: {error.filename or 'the data folder'}. Free some space, or move it."
        print(UNWRITABLE if error.errno == errno.EROFS else full, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. What was done is kept; the same command continues.", file=sys.stderr)
        return 130


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """What the command line asks for; `run` is the command. Exits with 2 when it cannot be understood."""
    top = argparse.ArgumentParser(prog="python -m app", description="Pugmark without a browser.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, module, text in COMMANDS:
        command = commands.add_parser(name, help=text, description=text)
        if name in arguments[:1]:
            command.add_argument("--json", action="store_true", dest="as_json", help="answer in JSON")
            chosen = import_module(f"app.commands.{module}")
            chosen.add_arguments(command)
            command.set_defaults(run=chosen.run)
    return top.parse_args(arguments)


def leave(status: int) -> NoReturn:
    """End the process, also while its threads do a job: that is checkpointed, and the next worker goes on with it.

    Python's own end would refuse the job's next step, which is then taken for a failure of what the job works at.
    """
    with suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    atexit._run_exitfuncs()
    os._exit(status)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):  # Windows would write a file in a code page of the country
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    leave(main())
