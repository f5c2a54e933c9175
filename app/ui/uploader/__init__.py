"""Files, folders and zips, streamed to the server."""
