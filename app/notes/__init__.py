"""Field notes: files of notes, runs of the keyword graph over them, and what a page needs of a finished run."""
