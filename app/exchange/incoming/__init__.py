"""Read what other tools wrote: a file is known by its content, never by its name."""
