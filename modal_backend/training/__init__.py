"""How the weights that ship with the project are made."""
