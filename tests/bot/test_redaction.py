"""Secrets are masked, everything else stays as it is, and no text makes it slow.

The planted secrets are made up. A `¦` in them is taken out before use, so that this file holds no text that a scanner
of secrets would report.
"""

from __future__ import annotations

import base64
import string
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.redaction import MASK, clean, redact, redact_counted
from tests.support.endless import ends

LETTERS = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA"
HEX = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
JWT = f"ey¦JhbGciOiJSUzI1NiJ9.ey¦JzdWIiOiJzeXN0ZW06c2EifQ.{LETTERS}_-x"
PEM = "-----BEGIN RSA ¦PRIVATE KEY-----\nMIIEow\nQ1w2e3\n-----END RSA ¦PRIVATE KEY-----"
USER_AND_PASSWORD = base64.b64encode(b"robot:hunter2hunter2").decode()

# The text around, and the secret in it that must not be seen afterwards.
PLANTED = {
    "slack bot": ("token is {}", f"xo¦xb-123456789012-1234567890123-{LETTERS}"),
    "slack app": ("{} rejected", f"xa¦pp-1-A012-123-{HEX}"),
    "slack rotating": ("got {}", f"xo¦xe.xo¦xp-1-{LETTERS}"),
    "slack webhook": ("POST /services/T012ABCDE/B012ABCDE/{} 404", LETTERS[:24]),
    "aws id": ("using {} in eu-west-1", "AK¦IAIOSFODNN7EXAMPLE"),
    "aws secret": ("aws_secret_access_key = {}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    "aws secret in env": ("AWS_SECRET_ACCESS_KEY={}", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    "aws signed header": ("Authorization: AWS4-HMAC-SHA256 Credential={}, Signature=1", f"AK¦IAIOSFODNN7EXAMPLF/{HEX}"),
    "aws signed query": ("GET /b?X-Amz-Signature={}&x=1", HEX * 2),
    "github": ("remote: {} denied", f"gh¦p_{LETTERS}abcd"),
    "github fine": ("{}", f"github_¦pat_11ABCDEFG0{LETTERS}"),
    "gitlab": ("clone with {}", f"gl¦pat-{LETTERS[:20]}"),
    "gitlab deploy": ("clone with {}", f"gl¦dt-{LETTERS[:20]}"),
    "openai project": ("Incorrect API key provided: {}.", f"s¦k-proj-{LETTERS}_-x"),
    "openai old": ("key {} invalid", f"s¦k-{LETTERS}{LETTERS[:16]}"),
    "anthropic": ("x-api-key: {}", f"s¦k-ant-api03-{LETTERS}"),
    "groq": ("with {}", f"gs¦k_{LETTERS}"),
    "hugging face": ("with {}", f"h¦f_{LETTERS}"),
    "stripe": ("charge with {}", f"s¦k_live_{LETTERS[:24]}"),
    "google": ("?q=1 {}", f"AI¦za{LETTERS}abc"),
    "google oauth": ("got {}", f"ya¦29.{LETTERS}"),
    "npm": ("//pkg.example/:_authToken={}", f"np¦m_{LETTERS}abcd"),
    "python package token": ("upload with {}", f"py¦pi-AgEI{LETTERS}{LETTERS}"),
    "docker token": ("login {}", f"dckr_¦pat_{LETTERS[:27]}"),
    "vault": ("VAULT_TOKEN={}", f"hv¦s.{LETTERS}"),
    "grafana": ("use {}", f"gl¦sa_{LETTERS}_0a1b2c3d"),
    "sendgrid": ("use {}", f"S¦G.{LETTERS[:22]}.{LETTERS}"),
    "jwt": ("jwt={} kid=1", JWT),
    "service account token": ("  token:      {}", JWT),
    "pem": ("tls: {} in log", PEM),
    "pem without end": ("{}", "-----BEGIN ¦PRIVATE KEY-----\nMIIEvgIBADANBg\nabc"),
    "pem without beginning": ("{}", "MIIEvgIBADANBg\nabc=\n-----END ¦PRIVATE KEY-----"),
    "pem without beginning, indented": ("{}", "MIIEvgIBADANBg\n    abc=\n    -----END ¦PRIVATE KEY-----"),
    "pem without beginning, one line": ("{}", r"MIIEvgIBADANBg\nabc=\n-----END ¦PRIVATE KEY-----"),
    "pem without beginning, prefixed": (
        "10:00 INFO {}",
        f"{LETTERS * 2}\n10:00 INFO abc=\n10:00 INFO -----END ¦PRIVATE KEY-----",
    ),
    "pgp without beginning": ("{}", f"{LETTERS * 2}\n=abcd\n-----END PGP ¦PRIVATE KEY BLOCK-----"),
    "pem in base64": ("tls.key: {}", "LS0tLS1CRUdJTi¦BSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlF"),
    "kubeconfig": ("    client-key-data: {}", "TUlJRXZnSUJBREFOQmdrcWhr"),
    "url": ("dial postgres://rag:{}@db.example:5432/rag failed", "hunter2"),
    "url without user": ("redis://:{}@redis.example:6379/0", "hunter2"),
    "url with a slash in it": ("amqp://rag:{}@mq.example/v", "hun/ter2"),
    "url with driver": ("postgresql+asyncpg://rag:{}@db/rag?ssl=true", "p%40ss:w0rd"),
    "conninfo": ("host=db user=rag password={} dbname=rag", "hunter2"),
    "quoted conninfo": ("host=db password='{}' dbname=rag", "hunter 2"),
    "jdbc": ("jdbc:postgresql://db/rag?user=rag&password={}&ssl=true", "hunter2"),
    "ado": ("Server=db;User ID=sa;Password={};Encrypt=true", "hunter2!"),
    "azure": ("AccountName=x;AccountKey={};EndpointSuffix=y", f"{LETTERS}+/{LETTERS}=="),
    "azure sas": ("https://x.example/c?sv=2022&sig={}&se=1", "a1B2c3%2BD4e5%3D"),
    "bearer": ("Authorization: Bearer {}", "abcdef.ghijkl-mnop"),
    "bearer alone": ("sent bearer {} to api", LETTERS),
    "basic": ("authorization: Basic {}", USER_AND_PASSWORD),
    "header in json": ('{{"headers": {{"Authorization": "Bearer {}", "Accept": "*"}}}}', "abcdef.ghijkl"),
    "header in curl": ("curl -H 'Authorization: ApiKey {}' https://x.example", "abcdefghijkl"),
    "digest": ("Authorization: Digest {}", "username=x, response=deadbeef"),
    "cookie": ("Cookie: {}", "session=abcdef; theme=dark"),
    "api key header": ("X-Api-Key: {}", "abcdef123456"),
    "env": ("POSTGRES_PASSWORD={}", "hunter2"),
    "env with marks": ("export DB_PASSWORD={}", "a,b;c)d"),
    "env with tail": ("API_KEY_STRIPE={}", "hunter2x"),
    "env joined": ("PGPASSWORD={} psql -h db", "hunter2"),
    "django": ('SECRET_KEY = "{}"', "django-insecure-x&y(z"),
    "yaml": ("  password: {}", "hunter2"),
    "yaml block": ("password: |\n  {}\nuser: x", "hunter2-in-a-block"),
    "yaml env pair": ("- name: DB_PASSWORD\n  value: {}", "hunter2"),
    "json env pair": ('{{"name":"RAG_API_KEY","value":"{}"}}', "hunter2"),
    "json": ('{{"user":"rag","password":"{}","n":1}}', 'hun\\"ter2'),
    "json in json": ('{{"msg":"{{\\"password\\":\\"{}\\",\\"n\\":1}}"}}', "hunter2"),
    "json that was cut": ('{{"user":"rag","password":"{}', "hunter2 and mo"),
    "python": ("{{'user': 'rag', 'db_pass': '{}'}}", "hunter2"),
    "ruby": (':password=>"{}"', "hunter2"),
    "logfmt": ('level=info access_token={} msg="ok"', "abc123def"),
    "camel case": ('clientSecret: "{}"', "hunter2"),
    "camel case token": ('"botToken":"{}"', "abcdef12"),
    "xml": ("<db><password>{}</password></db>", "hunter2"),
    "flag": ("mysql --password={} -h db", "hunter2"),
    "flag with space": ("redis-cli --pass x; tool --api-key {} --v", "hunter2"),
    "curl user": ("curl -u robot:{} https://x.example", "hunter2"),
    "netrc": ("machine x.example login robot password {}", "hunter2"),
    "netrc lines": ("machine x.example\n  login robot\n  password {}", "hunter2"),
    "docker auth": ('{{"auths":{{"r.example":{{"auth":"{}"}}}}}}', USER_AND_PASSWORD),
    "redis.conf": ("requirepass {}", "hunter2"),
    "query token": ("GET /v1/x?access_token={}&n=1 HTTP/1.1", "abcdef"),
    "sql": ("ALTER USER rag WITH PASSWORD '{}';", "hunter2"),
    "spoken": ('connecting with password "{}" to db', "hunter2"),
    "redis-cli": ("redis-cli -h r.example -a {} ping", "hunter2"),
    "sshpass": ("sshpass -p {} ssh x", "hunter2"),
    "fernet": ("FERNET_KEY={}", f"{LETTERS}{LETTERS[:11]}="),
    "padded base64": ("RAG_API_KEY={}", "YWJjZGVmZ2g="),
    "name within a name": ("secret: password: {}", "hunter2"),
    "helm": ("helm upgrade --set postgres.password={} rag", "hunter2"),
    "nested settings": ("QDRANT__SERVICE__API_KEY={}", "qd-7788"),
    "signing secret": ("SLACK_SIGNING_SECRET: '{}'", "abcd1234"),
    "pair in capitals": ('{{"Name":"DB_PASSWORD","Value":"{}"}}', "abcd1234"),
    "hidden by zero width": ("pass\u200bword\u00ad={}", "hunter2"),
    "hidden by colour": ("pass\x1b[31mword\x1b[0m={}", "hunter2"),
    "dotted capital i before": ("İİİ password={}", "hunter2"),
}  # fmt: skip

HARMLESS = [
    "KeyError: 'DATABASE_URL'",
    'secret "nope" not found',
    "couldn't find key k2 in Secret ns/have",
    'MountVolume.SetUp failed for volume "certs" : references non-existent secret key: ca.crt',
    'MountVolume.SetUp failed for volume "kube-api-access-x7k2p" : failed to fetch token: timed out',
    'Error: secrets "rag-db" is forbidden: User "system:serviceaccount:rag:api" cannot get resource "secrets"',
    "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "registry.example/rag/api@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "rag-engine-api-7d9f8b6c5d-w7zlb",
    "sk-learn-deployment-7d9f8b6c5d-abcde",
    "task-sk-worker-5f6d7c8b9d-xk2lp",
    'FATAL:  password authentication failed for user "rag"',
    "token expired",
    "Error: token: expired",
    "tokens: 512",
    "max_tokens=2048",
    "prompt_tokens=1024 completion_tokens=88 total_tokens=1112",
    "token_count=12 token_limit: 4096 tokens_per_s=3.5",
    "keyword",
    "keyword: banana",
    "monkey: banana",
    "key: value",
    "primary_key=id foreign_key: user_id",
    "cache miss key=user:42",
    "compass: north",
    "bypass=true",
    "--- PASS: TestScale (0.03s)",
    "pass=12 fail=3",
    "password: null",
    "password=${DB_PASSWORD}",
    "password: $(DB_PASSWORD)",
    "password={{ .Values.db.password }}",
    "DB_PASSWORD:  <set to the key 'password' in secret 'rag-db'>  Optional: false",
    "PASSWORD_FILE=/run/secrets/db",
    "tokenPath: /var/run/secrets/kubernetes.io/serviceaccount/token",
    "token=/var/run/secrets/tokens/vault",
    "secretName: rag-tls",
    "secretKeyRef: {name: rag-db, key: dsn}",
    "imagePullSecrets: [{name: regcred}]",
    "token_type: bearer",
    "TokenExpirationSeconds:  3607",
    "passwordPolicy: strict",
    "password must be at least 12 characters",
    "invalid password: must not be empty",
    "SyntaxError: Unexpected token: punc (})",
    "Unexpected token: < in JSON at position 0",
    "PWD=/app OLDPWD=/",
    "http://10.0.0.7:8080/healthz: connection refused",
    "https://rag.example:8443/users/ann@example.org",
    "https://rag.example/search?key=1&page=2",
    "dial tcp 10.0.0.7:5432: connect: connection refused",
    "mail from ann@example.org to bob@example.org",
    "authorization-mode=Node,RBAC",
    "authorization: enabled",
    "no basic auth credentials",
    "credentials: invalid",
    '"auth": "required"',
    "docker run -u 1000:1000 rag",
    "SSL: CERTIFICATE_VERIFY_FAILED",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa\n-----END CERTIFICATE-----",
    "certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
    'ETag: "33a64df551425fcc55e4d42a148795d9f25f89d4"',
    "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7",
    "2024-05-01T12:00:00.123Z INFO GET /v1/answer 200 12ms",
    "Liveness probe failed: HTTP probe failed with statuscode: 503",
    "eyJ is how a token begins",
    "xoxo-hugs",
    "the secretary: Ann",
    "tokenizer: cl100k_base",
    "secret/rag-db created",
    "password_encryption = scram-sha-256",
    "Failed to create token: context deadline exceeded",
    'column "password" of relation "users" does not exist',
    "SELECT token FROM t WHERE id=1",
    "context length exceeded: max token: 4096",
    "serviceAccountToken: {path: token}",
    "automountServiceAccountToken: false",
    "Authorization header missing",
    "ssh://git@host:22/x.git",
    "kubernetes.io/service-account-token",
]  # fmt: skip


def planted(name: str) -> tuple[str, str]:
    frame, secret = PLANTED[name]
    secret = secret.replace("¦", "")
    return frame.format(secret), secret


@pytest.mark.parametrize("name", PLANTED)
def test_a_secret_is_masked(name: str) -> None:
    """No line of the secret is left, and the text around it is."""
    text, secret = planted(name)

    shown, count = redact_counted(text)

    assert all(part not in shown for part in secret.split("\n"))
    assert (MASK in shown, count) == (True, 1)
    assert redact(shown) == shown


@pytest.mark.parametrize("name", PLANTED)
def test_what_stands_around_a_secret_stays(name: str) -> None:
    """The first word of the text and what follows on the next line can still be read."""
    text, _ = planted(name)

    shown = redact(f"before {text}\nafter: 1")

    assert shown.startswith("before ")
    assert shown.endswith("\nafter: 1") or "without end" in name


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    """A person needs these words to understand what is wrong."""
    assert redact_counted(text) == (text, 0)


def test_secrets_are_counted_and_the_names_stay() -> None:
    """One line with several secrets keeps what names them."""
    shown, count = redact_counted('user=rag password=hunter2 token="abcdef" url=redis://:pw123@r/0 retry=3')

    assert shown == f'user=rag password={MASK} token="{MASK}" url=redis://:{MASK}@r/0 retry=3'
    assert count == 3


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param("\u202etxt.exe", "txt.exe", id="direction"),
        pytest.param("@\u200bchannel", "@channel", id="zero width"),
        pytest.param("c\u0336rossed", "c\u0336rossed", id="combining mark stays"),
        pytest.param("a\u2028b\u2029c\x85d", "a\nb\nc\nd", id="line separators"),
        pytest.param("a\rb\r\nc", "a\nb\nc", id="line ends"),
        pytest.param("a\x00\x07\x08b\x0bc", "ab\nc", id="controls"),
        pytest.param("\x1b[31mred\x1b[0m \x1b[38;5;1mx\x1b[K", "red x", id="colours"),
        pytest.param("\x1b]0;title\x07a\x1b]8;;https://evil.example\x1b\\b", "ab", id="title and link"),
        pytest.param("\x1b]0;not ended\nnext", "0;not ended\nnext", id="a title without end hides nothing"),
        pytest.param("\x1b(B\x1bMx\x1b", "x", id="short sequences"),
        pytest.param("\x9b31mred\x9d0;t\x9cx", "redx", id="eight bit sequences"),
        pytest.param("a\ud800b", "ab", id="lone surrogate"),
        pytest.param("\ufeffa", "a", id="byte order mark"),
        pytest.param("a\tb", "a    b", id="tab"),
        pytest.param("pass\u00adword \u3164x\U000e0041", "password x", id="what cannot be seen"),
        pytest.param("<!channel> &amp; `x` *b*", "<!channel> &amp; `x` *b*", id="marks are for whoever renders"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_what_is_not_text_is_removed(text: str, cleaned: str) -> None:
    """What steers a terminal or disguises a text goes; everything that can be seen stays."""
    assert clean(text) == cleaned
    assert redact(text) == cleaned


PIECES = st.sampled_from(
    [
        *(part for name in PLANTED for part in planted(name)),
        *HARMLESS,
        *(
            "password",
            "token",
            "secret",
            "api_key",
            "=",
            ":",
            ": ",
            '"',
            "'",
            "\\",
            '\\"',
            "\n",
            " ",
            "@",
            "://",
            "a",
            "-",
        ),
        *(
            MASK,
            "masked]",
            "[",
            "eyJ",
            ".",
            "xoxb-",
            "-----BEGIN PRIVATE KEY-----",
            "\n-----END PRIVATE KEY-----",
            "\x1b",
            "[",
            "\x1b]",
            "\x07",
            "\u202e",
        ),
        *(
            string.ascii_letters,
            string.digits,
            "value",
            "name: ",
            "?sig=",
            "&",
            "Bearer ",
            "Authorization: ",
            "\r",
            "İ",
        ),
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=60))


@given(TEXTS)
@example('password="[masked]x"')
def test_a_second_time_changes_nothing(text: str) -> None:
    """Text may pass the gate twice."""
    shown = redact(text)

    assert redact_counted(shown) == (shown, 0)


@given(TEXTS)
def test_nothing_but_text_is_left(text: str) -> None:
    """No control but the newline, no invisible mark and no surrogate gets through."""
    unwanted = {"Cc", "Cf", "Cs"}

    assert not [mark for mark in redact(text) if mark != "\n" and unicodedata.category(mark) in unwanted]


@given(
    st.sampled_from(sorted(PLANTED)),
    st.sampled_from(["", "x: 1\n", "| ", "[1] ", "("]),
    st.sampled_from(["", "\n", " x"]),
)
def test_a_secret_is_found_wherever_it_stands(name: str, before: str, after: str) -> None:
    """What stands beside does not hide it."""
    text, secret = planted(name)

    assert secret not in redact(before + text + after)


UNITS = [
    *("token", "token:", "token: ", "token=abc ", 'token="', "x=token:'", "token='\\", "secret_", "secret_a"),
    *("password=", "password: ", "password:|\n  ", "password=${X} ", f"password={MASK} ", "name: token\n"),
    *("token value: ", "pwd=/ ", "<password>", "<password>aaaa", "://", "a://b:", "a://b:c@", "eyJ", "eyJ-", "eyJa."),
    *("SG.", "xox", "xoxb-", "sk-", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "authorization: ", "bearer "),
    *("-----END PRIVATE KEY-----", "a\n-----END PRIVATE KEY-----\n", "a\\n-----END PRIVATE KEY-----"),
    *("authorization: the ", "cookie: the\n", "?token=", "&sig=", "/services/T", "auth=", "auth: AAAAAAAA", "-a "),
    *("login a password ", "login ", "-u a:", "--", "pass=1 ", "passpass=", "bypass=a ", "a token: b c "),
    *("=", ":", '"', "'", "\\", '\\"', "]", "],", ",a", "a", "A", "0", " ", "\n", "\t", "\r", "\x1b", "\x1b[", "\x1b]"),
    *("\x1b[31m", "\x1b]0;a", "\u202e", "\ud800", "é", "İtoken="),
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_time_is_linear(unit: str) -> None:
    """Four times the text takes about four times as long, not sixteen."""

    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        started = time.process_time()
        redact(text)
        return time.process_time() - started

    def is_linear() -> bool:
        small, large = seconds(25_000), seconds(100_000)
        return large < 9 * small + 0.02

    assert any(is_linear() for _ in range(3))  # a busy machine slows a single try down


@pytest.mark.parametrize("begin", ["password='", "token=", "eyJ", "a://", "a://b:", "\x1b]", "cookie: ", "-----BEGIN "])
def test_one_long_word_is_no_danger(begin: str) -> None:
    """A megabyte without an end after an opening is read once."""
    text = begin + "a" * 1_000_000
    with ends():
        redact(text)
