"""What accounts use is kept as keyed hashes that say equal or not, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from evenhand.accounts.links.grouping import ADDRESS, DEVICE, KINDS, PAYMENT, PHONE
from evenhand.accounts.links.hashing import HASH_BYTES, fingerprint, hashed

KEY = b"k" * 32


def test_one_thing_written_in_two_ways_is_one_thing() -> None:
    for kind, one, other in (
        (PHONE, "138 0013-8000", "１３８００１３８０００"),
        (PHONE, "(0571) 8502 2088", "571-85022088"),
        (ADDRESS, "No. 1,  Wensan Road\n", "no 1 wensan road"),
        (ADDRESS, "文三路１号，３楼", "文三路1号 3楼"),
        (DEVICE, " AB-12 ", "ab-12"),
    ):
        assert hashed(KEY, 1, kind, one) == hashed(KEY, 1, kind, other)


def test_different_things_keys_markets_and_kinds_do_not_meet() -> None:
    told = {hashed(KEY, market, kind, "12345") for market in (1, 2) for kind in range(len(KINDS))}
    assert len(told) == 2 * len(KINDS)
    assert hashed(b"other" * 8, 1, PAYMENT, "12345") not in told
    assert hashed(KEY, 1, DEVICE, "ab-12") != hashed(KEY, 1, DEVICE, "ab12")
    # no market and value can be cut differently to give the same text
    assert hashed(KEY, 11, PHONE, "1") != hashed(KEY, 1, PHONE, "11")


@given(st.integers(0, 3), st.text(max_size=200))
def test_any_text_is_hashed_or_nothing(kind: int, value: str) -> None:
    told = hashed(KEY, 1, kind, value)
    assert told is None or len(told) == HASH_BYTES
    assert told == hashed(KEY, 1, kind, value)


def test_what_is_only_marks_is_nothing() -> None:
    assert hashed(KEY, 1, PHONE, "+-() none") is None
    assert hashed(KEY, 1, ADDRESS, " ,.; ") is None


def test_the_fingerprint_tells_keys_apart_and_holds_no_key() -> None:
    assert fingerprint(KEY) != fingerprint(b"K" * 32)
    assert fingerprint(KEY) not in KEY
