"""What is an address, where a relative one leads, and what an endpoint is."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.errors import UsageError
from famtree.sources import addresses
from famtree.sources.addresses import (
    AddressError,
    find_hub,
    follow_address,
    normalise_endpoint,
    parse_address,
)
from famtree.sources.hub_access import HubAccess

HERE = parse_address("https://hub.test:8443/org/name/file?a=b")


@pytest.mark.parametrize(
    ("text", "origin", "target"),
    [
        ("http://hub", ("http", "hub", 80), "/"),
        ("HTTPS://Hub.Test:443/A?b=%2f#c", ("https", "hub.test", 443), "/A?b=%2F"),
        ("http://hub:/x", ("http", "hub", 80), "/x"),
        ("http://hub:00080?x", ("http", "hub", 80), "/?x"),
        ("http://[::1]:8080/x/../y", ("http", "[::1]", 8080), "/y"),
        ("https://[2001:DB8::1]/", ("https", "[2001:db8::1]", 443), "/"),
        ("http://127.0.0.1/a b".replace(" ", "|"), ("http", "127.0.0.1", 80), "/a%7Cb"),
        ("http://hub.test./", ("http", "hub.test.", 80), "/"),
        ("http://xn--bcher-kva.test/", ("http", "xn--bcher-kva.test", 80), "/"),
    ],
)
def test_what_is_sent(text: str, origin: tuple[str, str, int], target: str) -> None:
    found = parse_address(text)
    assert (found.origin, found.target) == (origin, target)
    assert parse_address(str(found)) == found


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("/x", "https://hub.test:8443/x"),
        ("x", "https://hub.test:8443/org/name/x"),
        ("../x", "https://hub.test:8443/org/x"),
        ("?c", "https://hub.test:8443/org/name/file?c"),
        ("", "https://hub.test:8443/org/name/file?a=b"),
        ("#c", "https://hub.test:8443/org/name/file?a=b"),
        ("//cdn.test/x", "https://cdn.test/x"),
        ("https://cdn.test:443", "https://cdn.test/"),
        ("/b\xc3\xa4r", "https://hub.test:8443/b%C3%A4r"),
    ],
)
def test_where_a_redirect_leads(place: str, expected: str) -> None:
    assert str(follow_address(HERE, place)) == expected


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("https://cdn\\@hub.test:8443/", "a backslash"),
        ("https://hub.test:8443@cdn/", "a user name"),
        ("https://cdn\t/", "blanks or control characters"),
        ("https:///cdn/", "something else than"),
        ("ftp://cdn/", "something else than"),
        ("https://cdn:0/", "a valid host and port"),
        ("https://127%2e0.0.1/", "in two ways|a valid host"),
        ("https://127.1/", "in two ways"),
        ("http://cdn/", "http, from https"),
    ],
)
def test_why_a_redirect_is_refused(place: str, reason: str) -> None:
    with pytest.raises(AddressError, match=reason):
        follow_address(HERE, place)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://127.0.0.1:43210/", "http://127.0.0.1:43210"),
        ("https://huggingface.co", "https://huggingface.co"),
        ("HTTPS://HuggingFace.co:443//", "https://huggingface.co"),
        ("http://h:80/a_b/", "http://h/a_b"),
        ("https://b\xfccher.test/x", "https://xn--bcher-kva.test/x"),
    ],
)
def test_endpoints_have_one_form(text: str, expected: str) -> None:
    assert normalise_endpoint(text) == expected
    assert HubAccess(text).find_endpoint() == expected


BAD = [
    "nonsense", "", "ftp://h", "file:///etc", "//h", "h:80", "http://", "http://h:port", "http://h:0",
    "http://h:70000", "http://h\\x", "http://h/a b", "http://h\n", "http://h\x00", "http://h?a=b",
    "http://h/#a", "http://[::1", "http://me:secret@h", "http://me@h", "http://h:8\t0",
    "http://me:secret@h:port", "http://me:se/cret@h/x",
]  # fmt: skip


@pytest.mark.parametrize("text", ["", *BAD])
def test_links_lead_to_the_endpoint_or_to_the_hub(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", text.replace("\x00", ""))
    if "\x00" not in text:
        assert find_hub() == "https://huggingface.co"
    monkeypatch.setenv("HF_ENDPOINT", "https://Hub.Example/own/")
    assert find_hub() == "https://hub.example/own"
    monkeypatch.delenv("HF_ENDPOINT")
    assert find_hub() == "https://huggingface.co"


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_endpoint(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", text)
    for make, name in (
        (lambda: HubAccess(text), "the endpoint"),
        (HubAccess().find_endpoint, "HF_ENDPOINT"),
    ):
        with pytest.raises(UsageError, match=f"^{name} is ") as caught:
            make()
        assert caught.value.exit_code == 2
        assert caught.value.hint
        assert "secret" not in str(caught.value)
        assert "se/cret" not in str(caught.value)


def test_a_usual_endpoint_takes_no_http_client() -> None:
    code = (
        "import sys; from famtree.sources.addresses import normalise_endpoint as n;"
        "print(n('http://127.0.0.1:43210/a_b'), 'urllib3' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["http://127.0.0.1:43210/a_b", "False"]


@pytest.mark.property
@given(st.from_regex(addresses._NORMAL, fullmatch=True))
def test_what_is_taken_as_it_is_would_be_sent_as_it_is(text: str) -> None:
    try:
        normal = normalise_endpoint(text)
    except AddressError:
        return
    assert str(parse_address(normal)).rstrip("/") == normal


def test_an_address_is_as_long_as_it_is_sent() -> None:
    longest = "http://hub/" + "a" * (addresses.MAX_ADDRESS - len("http://hub/"))
    assert str(parse_address(longest)) == longest
    for text in (longest + "a", longest[:-1] + "["):
        with pytest.raises(AddressError, match="more than"):
            parse_address(text)
