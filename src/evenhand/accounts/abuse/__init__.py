"""`abuse.score`, learned: how likely a claim is abusive, by a points card that people can read.

`evidence` says which facts may speak and which way, `card` is the card that rules, `document` writes it as a scorecard,
`labelled` reads a labelled history, `fitting` fits, `measuring` measures, `keeping` stores versions and says which one a
market uses. Until a market has activated one, the documented scorecard beside this folder rules.
"""
