"""A gallery of crops."""
