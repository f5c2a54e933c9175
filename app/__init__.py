"""The survey: what has been uploaded, found and decided."""
