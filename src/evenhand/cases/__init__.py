"""The life of an application after its ruling."""
