"""On the system's PostgreSQL where there is one: it speaks TLS, and is another version than the embedded one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.domain.watch.probes import Health
from tests.bot.probes.databases import Postgres, installed, postgres
from tests.bot.probes.worlds import Authority, ask, codes, stages


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("authority")
    folder.chmod(0o755)
    return Authority(folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issuer: Authority) -> Iterator[Postgres]:
    programs = installed()
    if programs is None:
        pytest.skip("there is no PostgreSQL of the system on this machine")
    folder = tmp_path_factory.mktemp("postgres")
    key = issuer.key_file("localhost")
    with postgres(folder, pg_bin=programs, key=key) as running:
        yield running


async def test_tls_is_a_stage_and_its_certificate_is_read(server: Postgres, issuer: Authority) -> None:
    """Verified for the name, although the connection goes to the address."""
    probed = await ask(server.target(tls=True, ca_file=issuer.file), {"DSN": server.dsn()})
    assert (probed.health, codes(probed)) == (Health.OK, [])
    names = list(dict.fromkeys(name for name, ok in stages(probed) if ok))
    assert names == ["DNS", "TCP", "protocol", "TLS", "login", "query"]
    assert probed.certificates[0].names == ("localhost",)
    assert dict(probed.facts)["TLS"] == "offered"


async def test_the_catalogue_works_on_this_version_too(server: Postgres) -> None:
    """Settings that it does not know count as none."""
    probed = await ask(server.target(), {"DSN": server.dsn()})
    assert (probed.health, codes(probed)) == (Health.OK, [])
    assert dict(probed.figures)["connections_limit"] > 0
    assert dict(probed.figures)["blocked"] == 0


async def test_no_password_goes_to_whom_nobody_vouches_for(server: Postgres) -> None:
    """Where verification is wanted, the login is not even tried."""
    probed = await ask(server.target(tls=True), {"DSN": server.dsn()})
    assert (probed.health, codes(probed)) == (Health.FAILED, ["CERTIFICATE_UNTRUSTED"])
    assert "login" not in [name for name, _ in stages(probed)]
    assert probed.certificates[0].issuer == "Our own authority"


async def test_a_dsn_that_only_wants_tls_is_taken_at_its_word(server: Postgres) -> None:
    """Most servers inside of a cluster have a certificate that they made themselves."""
    probed = await ask(server.target(), {"DSN": server.dsn() + "?sslmode=require"})
    assert (probed.health, codes(probed)) == (Health.OK, [])
    assert probed.certificates[0].names == ("localhost",)


async def test_a_certificate_for_another_name_is_named(server: Postgres, issuer: Authority) -> None:
    """A DSN may ask for full verification, too, and name its own authorities."""
    dsn = f"{server.dsn()}?sslmode=verify-full&sslrootcert={issuer.file}"
    assert (await ask(server.target(), {"DSN": dsn})).health is Health.OK
    probed = await ask(server.target(server_name="db.example.com"), {"DSN": dsn})
    assert (probed.health, codes(probed)) == (Health.FAILED, ["CERTIFICATE_WRONG_HOST"])
