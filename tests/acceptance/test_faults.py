"""A short fault campaign: kills of every kind, a gateway and a receiver that fail, and everything is right afterwards."""

from pathlib import Path

from evenhand.bench.faults import campaign

KILLS = 5
# its first five kills are of all three kinds
SEED = 7


async def test_a_campaign_of_faults_breaks_no_promise(tmp_path: Path) -> None:
    tally = await campaign(tmp_path, KILLS, SEED)
    assert {name: problems for name, problems in tally.checks.items() if problems} == {}
    # what was to go wrong did
    assert set(tally.kills) == {"server", "postgres", "both"}
    assert sum(tally.kills.values()) == KILLS
    assert tally.requests["retries"]
    assert tally.rulings
    assert tally.requests["appealed"]
    assert tally.gateway_faults["short"]
    assert sum(tally.gateway_faults.values())
    # which of these happen in a short campaign is chance: how requests interleave is not seeded
    assert tally.requests["repeats"] + tally.deliveries["duplicates"] + tally.deliveries["failed"]
