"""FEEL, the expression language of DMN, as a dynamic language.

`parse` turns text into a tree that knows which names are in scope (names may hold spaces and symbols, so a text cannot be
cut into words without them); the tree evaluates itself over exact decimals with FEEL's three-valued logic. What is wrong
whatever the inputs (a syntax error, an unknown name) is an error; what goes wrong for one value (`1 + "a"`, a date that
does not exist) is null, as the standard asks.
"""
