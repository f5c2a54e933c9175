"""A drawn camera-trap survey with known truth, for people without pictures at hand and for tests."""

from app.sample.survey import AnimalTruth, PictureTruth, SampleTruth, generate

__all__ = ["AnimalTruth", "PictureTruth", "SampleTruth", "generate"]
