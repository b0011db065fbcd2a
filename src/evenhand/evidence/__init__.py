"""Evidence: what parties show to support what they say.

A file is taken for what its content is, sealed as it came, copied without anything that tells more than the picture itself, and
compared with everything shown before. Nothing here decides: it finds, and a policy or a person reads what was found.
"""
