"""How long a server asks to be left alone."""

from __future__ import annotations

from famtree.sources import hub_pauses


def test_dates_count_on_the_servers_clock() -> None:
    """This machine's clock may be years off."""
    told = {"retry-after": "Wed, 21 Oct 2099 07:28:05 GMT", "date": "Wed, 21 Oct 2099 07:28:00 GMT"}
    assert hub_pauses.retry_after(told) == 5
    assert (hub_pauses.retry_after(told | {"date": "never"}) or 0) > 1e9
    for odd in ("Fri, 31 Dec 9999 23:59:59 -2359", "Fri, 31 Dec 0 00:00:00", "9" * 400):
        hub_pauses.retry_after({"retry-after": odd})
