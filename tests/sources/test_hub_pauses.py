"""When a server wants to be asked again, as its headers say."""

from __future__ import annotations

from famtree.sources import hub_pauses


def test_rate_limit_headers() -> None:
    assert hub_pauses.retry_after({"ratelimit": '"api";r=0;t=55'}) == 55
    assert hub_pauses.retry_after({"ratelimit": '"api";r=10;t=55', "retry-after": "3"}) == 3
    assert hub_pauses.retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert hub_pauses.retry_after({"retry-after": "soon"}) is None
    assert hub_pauses.retry_after({"retry-after": "\xb2"}) is None, "a digit, and no number"
    assert hub_pauses.retry_after({}) is None


def test_dates_count_on_the_servers_clock() -> None:
    """This machine's clock may be years off."""
    told = {"retry-after": "Wed, 21 Oct 2099 07:28:05 GMT", "date": "Wed, 21 Oct 2099 07:28:00 GMT"}
    assert hub_pauses.retry_after(told) == 5
    assert (hub_pauses.retry_after(told | {"date": "never"}) or 0) > 1e9
    for odd in ("Fri, 31 Dec 9999 23:59:59 -2359", "Fri, 31 Dec 0 00:00:00", "9" * 400):
        hub_pauses.retry_after({"retry-after": odd})
