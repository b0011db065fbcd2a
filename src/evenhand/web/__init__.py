"""The HTTP API and the console: thin, no rules live here."""
