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
    for happened in ("retries", "repeats", "early", "acted"):
        assert tally.requests[happened], happened
    assert tally.rulings > 50
    assert tally.payouts["paid"]
    assert sum(tally.gateway_faults.values()) > 3
    assert tally.deliveries["duplicates"]
    assert tally.deliveries["failed"]
