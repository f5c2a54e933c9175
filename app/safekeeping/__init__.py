"""A backup of the whole survey while it runs, its restoration, and a check of every row and file."""
