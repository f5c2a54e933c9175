"""One media large, with its boxes and the keyboard review."""
