"""The program without a browser, one command a file."""
