"""The frames of a clip that were looked at, with their boxes."""
