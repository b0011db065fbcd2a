"""The page that lists the facts says what the vocabulary says."""

from pathlib import Path

from evenhand.measures import MEASURES
from evenhand.reference import page
from evenhand.vocabulary import FACTS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "facts.md"


def test_the_page_is_the_one_the_vocabulary_makes() -> None:
    assert PAGE.read_text("utf-8") == page(), "run scripts/facts"


def test_every_fact_is_on_it() -> None:
    text = PAGE.read_text("utf-8")
    for name in FACTS:
        if not any(name.startswith(f"history.{owner}_") for owner in ("buyer", "merchant", "pair")):
            assert f"`{name}`" in text, name
    for measure in MEASURES:
        assert f"`history.{measure.owner}_{measure.name}_Nd`" in text
