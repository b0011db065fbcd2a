"""The subsidy fund and the ledger: who paid whom, for which case, to the cent."""
