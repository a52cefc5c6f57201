"""`ragops init` before a cluster: what it writes, what it leaves alone, and what the check says of it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bot.cli.arguments import Check, Init
from bot.configuration import read_configuration
from bot.errors import ClusterUnreachable, UsageError
from bot.main.checking import check
from bot.main.initializing import FilesInTheWay, NotWritable, initialize
from bot.settings import Settings
from bot.setup.environment import environment_file
from bot.slack.manifest import app_manifest
from sandbox.cluster.api.access import Deny
from tests.bot.setup.stage import Stage

FILES = ["ragops.toml", "slack-app-manifest.yaml", ".env"]


async def init(stage: Stage, capsys: pytest.CaptureFixture[str], **options: object) -> str:
    """Run it in the stage's folder and return what it printed."""
    command = Init(**options)  # type: ignore[arg-type]  # options by name
    assert await initialize(command, Settings.from_env(stage.environ)) == 0
    return capsys.readouterr().out


def written(stage: Stage, name: str = "ragops.toml") -> str:
    return (stage.folder / name).read_text(encoding="utf-8")


async def test_the_check_finds_nothing_but_what_people_must_fill_in(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every namespace, every workload and every container that it names is there."""
    await init(stage, capsys, namespaces=("rag-engine", "kube-system"))

    code = await check(Check(), stage.environ)
    lines = capsys.readouterr().out.splitlines()[:-1]

    bad = [line for line in lines if not line.startswith("ok ")]
    assert code == 0
    assert [("FILL-IN" in line, "nobody holds a role" in line) for line in bad] == [(True, False)] * 6 + [(False, True)]
    assert sum("service " in line for line in lines) == 14


async def test_the_context_s_own_namespace_is_meant_unless_others_are_named(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """And services have the short names that people say."""
    await init(stage, capsys)

    configuration = read_configuration(stage.folder / "ragops.toml")
    [cluster] = configuration.clusters.values()
    entry = configuration.catalogue.entries["api"]
    assert cluster.namespaces == ("rag-engine",)
    assert (entry.kind, entry.name, entry.container) == ("Deployment", "rag-engine-api", "api")


async def test_all_files_are_written_and_the_next_three_steps_are_said(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """The environment is for its owner's eyes only."""
    said = await init(stage, capsys, output_folder="new/folder")
    folder = stage.folder / "new" / "folder"

    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert (folder / "slack-app-manifest.yaml").read_text(encoding="utf-8") == app_manifest()
    assert (folder / ".env").read_text(encoding="utf-8") == environment_file()
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert [line[:2] for line in said.splitlines()[-3:]] == ["1.", "2.", "3."]
    assert "SLACK_APP_TOKEN" in said


async def test_slack_may_come_over_http(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Then the manifest names the address, and the signing secret is what is needed."""
    url = "https://ragops.example.com/slack/events"
    said = await init(stage, capsys, http=url)

    assert written(stage, "slack-app-manifest.yaml") == app_manifest(http_url=url)
    assert "SLACK_SIGNING_SECRET" in said


@pytest.mark.parametrize("name", ["ragops.toml", "slack-app-manifest.yaml"])
async def test_a_file_that_is_there_is_kept(name: str, stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing at all is written then, and the cluster is not asked."""
    (stage.folder / name).write_text("mine")

    with pytest.raises(FilesInTheWay, match=name):
        await init(stage, capsys)

    assert written(stage, name) == "mine"
    assert [path for path in FILES if (stage.folder / path).exists()] == [name]
    assert not stage.cluster.asked


async def test_force_writes_over_files_but_never_over_secrets(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """An `.env` may hold what cannot be had again."""
    (stage.folder / "ragops.toml").write_text("mine")
    (stage.folder / ".env").write_text("SLACK_BOT_TOKEN=xoxb-1\n")

    said = await init(stage, capsys, force=True)

    assert written(stage) != "mine"
    assert written(stage, ".env") == "SLACK_BOT_TOKEN=xoxb-1\n"
    assert "was there already and is kept" in said


async def test_a_folder_that_is_a_file_is_said_in_words(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the cluster is asked."""
    (stage.folder / "file").write_text("mine")

    with pytest.raises(NotWritable, match="file is no folder"):
        await init(stage, capsys, output_folder="file")


async def test_the_kubeconfig_that_is_named_is_written_down_whole(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the context: the file means the same wherever the bot is started, whatever context is current then."""
    del stage.environ["KUBECONFIG"]
    await init(stage, capsys, kubeconfig="kubeconfig", context="sandbox")

    [cluster] = read_configuration(stage.folder / "ragops.toml").clusters.values()
    assert (cluster.kubeconfig, cluster.context) == (str(Path.cwd() / "kubeconfig"), "sandbox")


async def test_a_bot_inside_the_cluster_needs_neither(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever writes its file may stand outside."""
    await init(stage, capsys, in_cluster=True, kubeconfig="kubeconfig")

    [cluster] = read_configuration(stage.folder / "ragops.toml").clusters.values()
    assert (cluster.in_cluster, cluster.kubeconfig) == (True, "")


async def test_what_cannot_be_read_is_said_in_a_comment(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """And at the terminal; the rest is written."""
    stage.cluster.rbac = [Deny(verb="list", resource="deployments"), Deny(verb="get", resource="namespaces")]

    said = await init(stage, capsys)

    remark = "the deployments of rag-engine: The right to list deployments.apps in namespace rag-engine is missing for"
    assert f"# NOT READ: {remark}" in written(stage)
    assert f"Not read: {remark}" in said
    assert {each.kind for each in read_configuration(stage.folder / "ragops.toml").catalogue.entries.values()} == {
        "StatefulSet"
    }


async def test_a_namespace_that_is_not_there_is_said(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """It stays in the file, where the check will name it with its line."""
    await init(stage, capsys, namespaces=("rag-engin",))

    assert "# NOT READ: there is no namespace rag-engin." in written(stage)
    assert await check(Check(), stage.environ) == 2
    assert "ragops.toml:9: namespace rag-engin of sandbox: there is no such namespace" in capsys.readouterr().out


async def test_a_cluster_that_cannot_be_reached_leaves_nothing_behind(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """No file is better than one that was guessed."""
    with stage.given("no cluster"), pytest.raises(ClusterUnreachable):
        await init(stage, capsys)

    assert [path for path in FILES if (stage.folder / path).exists()] == []


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"namespaces": ('x"]\n[roles.viewer]',)}, id="namespace"),
        pytest.param({"http": "http://rag.example/slack/events"}, id="no TLS"),
        pytest.param({"http": "https://rag.example/\nscopes:"}, id="breaks out of YAML"),
        pytest.param({"context": "\udcff"}, id="no text"),
    ],
)
async def test_words_that_cannot_be_used_are_refused(
    options: dict[str, object], stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is asked or written."""
    with pytest.raises(UsageError):
        await init(stage, capsys, **options)

    assert [path for path in FILES if (stage.folder / path).exists()] == []
