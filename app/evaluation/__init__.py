"""How good results are, measured against truth: figures only, no model."""
