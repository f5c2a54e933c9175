"""`python -m app.ingest.reader`: the child process that reads files which may cost too much; see `background.apart`."""

from __future__ import annotations

from app import background, operating_system

# Threads and libraries reserve far more addresses than memory: this only stops what grows too fast to be watched.
ADDRESSES = 6_000_000_000

if __name__ == "__main__":
    operating_system.limit_addresses(ADDRESSES)
    background.serve()
