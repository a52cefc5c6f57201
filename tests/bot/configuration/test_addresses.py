"""What may be probed, by its literal: URLs, `host:port`, and names of variables. No secret is repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.configuration.addresses import host_and_port, host_problem, http_url, variable_name
from bot.settings import KEYS

NEVER = "never probed"


@pytest.mark.parametrize(
    "url",
    [
        "https://rag.example.com/healthz",
        "http://api.rag-engine.svc:8080/healthz?full=1",
        "http://10.0.0.7/",
        "http://127.0.0.1:8000/health",
        "https://[2001:db8::7]:8443/",
        "HTTPS://rag.example.com",
        "http://under_score.example",
    ],
)
def test_urls_that_may_be_asked(url: str) -> None:
    """Of a name or an address, with or without a port and a query."""
    assert http_url(url) == ""


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.com", "expected a URL such as"),
        ("rag.example.com/healthz", "expected a URL such as"),
        ("https:///healthz", "expected a URL such as"),
        ("https://ann:hunter2@rag.example.com/", "a credential does not belong into a URL"),
        ("https://hunter2@rag.example.com/", "a credential does not belong into a URL"),
        ("ann:hunter2@rag.example.com", "expected a URL such as"),
        ("https://rag.example.com/#top", "a fragment"),
        ("https://rag.example.com/#", "a fragment"),
        ("https://rag.example.com/a b", "a space or a control character"),
        ("https://rag.example.com:99999/", "cannot be read as a URL"),
        ("https://rag.example.com:0/", "there is no port 0"),
        ("https://[::1/", "cannot be read as a URL"),
        ("https://rag_.-x.example/", "no name of a host"),
        ("http://169.254.169.254/latest/meta-data/", NEVER),
        ("http://metadata.google.internal/", NEVER),
        ("http://[fe80::1]/", NEVER),
    ],
)
def test_urls_that_may_not(url: str, words: str) -> None:
    """Each is told why, and a password in it is not told at all."""
    said = http_url(url)

    assert words in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "address", ["postgres:5432", "postgres.rag-engine.svc:5432", "10.0.0.7:1", "[2001:db8::7]:65535", "[::1]:6379"]
)
def test_a_host_and_a_port(address: str) -> None:
    """A name, an IPv4 address, or an IPv6 address in brackets."""
    assert host_and_port(address) == ""


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("postgres", "expected host:port"),
        ("postgres:", "expected host:port"),
        ("postgres:0", "there is no port 0"),
        ("postgres:65536", "there is no port 65536"),
        ("postgres:5432/rag", "expected host:port"),
        ("2001:db8::7:5432", "an IPv6 address in brackets"),
        ("[postgres]:5432", "only those stand in brackets"),
        ("[::zz]:5432", "no IPv6 address"),
        ("postgresql://a:hunter2@b:5432/c", "without a scheme and without a credential"),
        ("a:hunter2@b:5432", "without a scheme and without a credential"),
        ("[fe80::1%eth0]:80", "link-local"),
        ("169.254.169.254:80", NEVER),
        (":5432", "expected host:port"),
        ("-x:5432", "no name of a host"),
    ],
)
def test_what_is_no_host_and_port(address: str, words: str) -> None:
    """Each is told what is expected."""
    said = host_and_port(address)

    assert words in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "host",
    [
        *("169.254.169.254", "169.254.0.1", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fe80::1", "febf::1"),
        *(
            "fe80::1%1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "metadata.google.internal",
            "METADATA.GOOGLE.INTERNAL.",
        ),
        *("0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "ff02::1", "255.255.255.255"),
    ],
)
def test_addresses_that_nobody_means(host: str) -> None:
    """Link-local ones, those from which machines get their credentials, and those of no machine."""
    assert host_problem(host) != ""


@pytest.mark.parametrize(
    "host", ["2852039166", "0xa9fea9fe", "0xA9.254.169.254", "0251.254.169.254", "169.254.43518", "1."]
)
def test_numbers_are_addresses_only_as_four(host: str) -> None:
    """Other spellings are read by some libraries as an address, so none is a name."""
    assert "no IPv4 address" in host_problem(host)


@pytest.mark.parametrize("host", ["10.0.0.7", "127.0.0.1", "::1", "fd12::7", "a.b", "1password.example", "x" * 63])
def test_addresses_of_a_network_of_ones_own(host: str) -> None:
    """What lies in private networks is what is mostly probed."""
    assert host_problem(host) == ""


@pytest.mark.parametrize("name", ["PROBE_POSTGRES_DSN", "X", "A1_"])
def test_names_of_variables(name: str) -> None:
    """Capital letters, digits, underscores."""
    assert variable_name(name) == ""


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://a:hunter2@b/c",
        "redis://b",
        "hunter2",
        "probe_dsn",
        "PROBE-DSN",
        "1X",
        "PROBE_DSN\n",
        "AKIAIOSFODNN7EXAMPLE",
        "xoxb-123456789012-hunter2hunter2",
        "user:hunter2",
    ],
)
def test_what_is_no_name_of_a_variable_is_not_repeated(value: str) -> None:
    """It may be the credential itself; the fault says where that belongs."""
    said = variable_name(value)

    assert "environment" in said
    assert value.strip() not in said


@pytest.mark.parametrize("key", KEYS)
def test_credentials_of_the_bot_itself_are_not_sent_to_targets(key: str) -> None:
    """A probe has its own, which can do less."""
    assert "ragops' own" in variable_name(key)


@given(st.text(max_size=60))
def test_whatever_is_written_gets_an_answer(text: str) -> None:
    """No text is too odd to be judged."""
    for judge in (http_url, host_and_port, host_problem, variable_name):
        assert isinstance(judge(text), str)
        judge(f"http://{text}")
        judge(f"{text}:80")
