"""The survey database: one file per idea. Model output and human decisions are separate rows."""
