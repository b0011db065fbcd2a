"""Facts from linked accounts are the means they are said to be."""

import numpy as np
import pytest

from evenhand.accounts.links.neighbours import link_facts


def test_each_fact_is_a_mean_over_links() -> None:
    # a path 0 - 1 - 2, and 3 alone
    figures = np.array([[1.0], [2.0], [6.0], [9.0]])
    facts, names = link_facts(figures, np.array([0, 1]), np.array([1, 2]))
    of = {name: facts[:, column] for column, name in enumerate(names)}
    np.testing.assert_allclose(of["own 0"], [1, 2, 6, 9])
    np.testing.assert_allclose(of["neighbours' 0"], [2, 3.5, 2, np.nan])
    np.testing.assert_allclose(of["their neighbours' 0"], [3.5, 2, 3.5, np.nan])
    np.testing.assert_allclose(np.expm1(of["links"]), [1, 2, 1, 0], atol=1e-12)


def test_a_neighbour_linked_with_everybody_says_little_when_damped() -> None:
    # 0 is linked with 1, who has no other link, and with 2, who has nine more
    left, right = np.array([0, 0, *[2] * 9]), np.array([1, 2, *range(3, 12)])
    figures = np.zeros((12, 1))
    figures[2] = 11.0
    facts, names = link_facts(figures, left, right)
    assert facts[0, names.index("neighbours' 0")] == pytest.approx(5.5)
    assert facts[0, names.index("neighbours' damped 0")] == pytest.approx(1.0)
