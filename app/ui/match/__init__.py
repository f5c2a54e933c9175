"""The Identify screen's core: a query beside its ranked candidates."""
