"""How good the models are on labelled pictures."""
