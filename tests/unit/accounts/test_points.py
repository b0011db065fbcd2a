"""What the inputs of scorecards are called."""

import re

import pytest

from evenhand.accounts.points import label


@pytest.mark.parametrize(
    "name", ["refund_only_lent", "history.buyer_orders_365d", "refund_only_lent and history.buyer_orders_365d"]
)
def test_inputs_have_names_in_both_languages_also_those_asked_together(name: str) -> None:
    said = label(name)
    assert "_" not in said.en + said.zh
    assert "history." not in said.en
    assert re.search("[a-z]", said.zh) is None
