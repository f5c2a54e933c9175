"""From a file, a folder or a zip on disk to checked, stored media with their facts."""
