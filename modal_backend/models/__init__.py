"""One file per model, plain Python, no import of Modal."""
