"""The field's exchange formats, one file each."""
