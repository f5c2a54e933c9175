"""A drawn camera-trap survey with known truth, for people without pictures at hand and for tests."""
