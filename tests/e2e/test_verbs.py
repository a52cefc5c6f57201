"""The reading verbs from the person's keyboard to the cluster and back, and the buttons that lead onward."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.support.outages import NO_DATABASE
from tests.support.sandboxed import NO_LIMIT, Stage, Staging, sandboxed

FAILED = re.compile(r"There is no|I see no|could not be|cannot be read|Usage|went wrong|Reference")


async def test_logs_of_the_run_before_end_with_the_last_words(stage: Stage) -> None:
    """The crash is shown, not the working pods."""
    answer = await stage.answer("/rag logs api --previous")

    assert answer.ephemeral
    assert "FATAL rag.main: DATABASE_URL is not set" in answer.text
    assert "of 1 log" in answer.text
    assert answer.buttons == ["Refresh", "This run", "Describe", "Share"]


async def test_logs_of_all_pods_are_merged_and_searched(stage: Stage) -> None:
    """Each line says whose it is."""
    answer = await stage.answer("/rag logs api --tail 20 --grep FATAL")

    assert re.search(r"api: 1 line with .FATAL. of 4 logs", answer.text)


async def test_long_logs_are_shared_as_a_file(stage: Stage) -> None:
    """What does not fit on a screen is in the thread."""
    private = await stage.answer("/rag logs api --tail 300")
    assert "share the answer to get all of it as a file" in private.text

    assert (await stage.control.press("Share", user="ann", channel="ops")).ok
    [posted, *_] = await stage.posted(2)
    files = [file for message in await stage.public() for file in message.files]

    assert "of 4 logs" in posted.text
    [name] = [file["name"] for file in files]
    assert re.fullmatch(r"api-logs-\w+-1\.txt", name)
    content = (await stage.control.file(name)).decode()
    assert content.count("\n") > 500


async def test_compare_names_what_the_release_changed(stage: Stage) -> None:
    """The revision that works against the newest, environment by name."""
    answer = await stage.answer("/rag compare api")

    assert "api: revision 7 (v1.1) → 8 (v1.2), 3 differences" in answer.text
    assert "DATABASE_URL removed, FEATURE_X added" in answer.text


async def test_history_names_the_revisions(stage: Stage) -> None:
    """With how each did."""
    answer = await stage.answer("/rag history api")

    assert "api: 8 revisions kept, revision 8 is wanted now" in answer.text
    assert re.search(r"7 +v1\.1 +3 days ago +3 days +3/3", answer.text)
    assert "8: image v1.1 → v1.2" in answer.text


async def test_pods_shows_those_in_trouble_first(stage: Stage) -> None:
    """A line is enough for the others."""
    answer = await stage.answer("/rag pods")

    assert "rag-engine: 17 of 19 pods ready" in answer.text
    assert answer.text.count("CrashLoopBackOff") == 2
    assert "qdrant: 3 of 3 ready" in answer.text
    assert "qdrant-0" not in answer.text

    everything = await stage.press("All pods")
    assert "qdrant-0" in everything.text


async def test_top_shows_what_pods_use(stage: Stage) -> None:
    """And which have no sample."""
    answer = await stage.answer("/rag top pods")

    assert "pods of rag-engine: usage, most memory first" in answer.text
    assert re.search(r"postgres-0 +postgres +\d+m +\d+ %", answer.text)
    assert "2 pods without a sample" in answer.text


async def test_describe_tells_the_problem_the_facts_and_the_events(stage: Stage) -> None:
    """In that order."""
    answer = await stage.answer("/rag describe worker")

    assert re.search(
        r"rag-engine-worker: 1 problem.*out of memory.*Ready +0 of 1.*BackOff x\d+", answer.text, re.DOTALL
    )
    assert answer.buttons == ["Refresh", "Logs", "Pods", "Share"]


async def test_explain_says_what_a_code_means(stage: Stage) -> None:
    """How it is recognised and what to do."""
    answer = await stage.answer("/rag explain OOM_KILLED")

    assert "needed more memory than its limit" in answer.text
    assert "Recognised: " in answer.text
    assert "What to do: " in answer.text


async def test_the_buttons_of_a_finding_lead_to_its_service(stage: Stage) -> None:
    """To its details, its logs, its comparison: each answer is the finding's own."""
    overview = await stage.answer("/rag status")
    assert {"Logs", "Details", "Compare 7 → 8"} <= set(overview.buttons)

    details = await stage.press("Details")
    assert "worker is down: 1 problem" in details.text or "api is degraded: 1 problem" in details.text

    compared = await stage.press("Compare 7 → 8")
    assert "revision 7 (v1.1) → 8 (v1.2)" in compared.text

    logs = await stage.press("Logs")
    assert re.search(r"(api|worker|rag-engine-\w+): \d+ lines of \d+ logs?", logs.text)

    history = await stage.press("History")
    assert "8 revisions kept" in history.text


async def test_each_button_of_every_kind_of_finding_leads_somewhere(tmp_path: Path) -> None:
    """Whatever is wrong, no button ends in a misunderstanding; without a store no change is accepted."""
    staging = replace(Staging(), scenario="everything", settings=NO_LIMIT, waits_for_store=False)
    async with sandboxed(tmp_path, NO_DATABASE, staging) as stage:
        overview = await stage.answer("/rag status")
        commands = re.findall(r"\((?:critical|warning)\): ((?:status|describe) [\w/-]+)", overview.text)
        assert len(commands) >= 6
        for command in commands:
            answer = await stage.answer(f"/rag {command}")
            assert not FAILED.search(answer.text), answer.text

        before = await stage.answer("/rag status")
        labels = [label for label in dict.fromkeys(before.buttons) if label not in ("Refresh", "Share", "Try again")]
        assert "Details" in labels
        for label in labels:
            await stage.answer("/rag status")
            answer = await stage.press(label)
            if label.endswith("…"):
                assert "was not accepted" in answer.text, answer.text
            else:
                assert not FAILED.search(answer.text), answer.text


async def test_a_button_looks_where_its_answer_looked(stage: Stage) -> None:
    """In the namespace that was named, not in the default one."""
    overview = await stage.answer("/rag pods -n kube-system")
    assert "kube-system" in overview.text

    assert "kube-system" in (await stage.press("Refresh")).text
