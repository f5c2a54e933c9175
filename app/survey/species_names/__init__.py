"""Names of mammals and birds in many languages, to find a species by: facts that ship with the program."""
