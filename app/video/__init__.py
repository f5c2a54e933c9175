"""From a video to who was there, when, doing what: streaming decode, sampling, tracklets, words. Runs in the worker."""
