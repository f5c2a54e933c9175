"""Media as a dense grid of thumbnails with boxes."""
