"""Draw docs/images: the demo's real answer to `status`, and the card of a rollback that waits for its approval.

Starts the sandbox, types a command, lays the blocks of the answer out as a small page and photographs it with a
headless Chromium (Debian's packages `chromium` and `fonts-lato`). The layout is our own; the words are the answer's.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import html
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.slack.control import Shown, SlackControl
from sandbox.slack.world import demo_workspace

NAMES = {user.id: name for name, user in demo_workspace().users.items()}
IMAGES = Path(__file__).parent.parent / "docs" / "images"
RELEASED = timedelta(minutes=6)  # so long before the demo's beginning
WIDTH = 900
PATIENCE_S = 60.0
ANSWER_S = 10.0
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PAGE = """\
<!doctype html><meta charset="utf-8"><style>
* { box-sizing: border-box; margin: 0; }
body { width: %(width)dpx; background: #fff; color: #1d1c1d; font: 15px/22px "Lato", "DejaVu Sans", sans-serif; }
main { padding: 18px 24px 20px 20px; display: grid; grid-template-columns: 36px 1fr; column-gap: 12px; }
.typed { grid-column: 1 / 3; padding: 0 0 12px; margin-bottom: 14px; border-bottom: 1px solid #e3e3e3; color: #616061; }
.face { width: 36px; height: 36px; border-radius: 8px; background: #1264a3; color: #fff; text-align: center;
        font: bold 18px/36px sans-serif; }
.who { font-weight: bold; }
.app { background: #e8e8e8; color: #454447; border-radius: 3px; font-size: 10px; padding: 1px 4px; margin: 0 6px; }
.small { color: #616061; font-size: 13px; line-height: 19px; white-space: pre-wrap; margin-top: 8px; }
h1 { font-size: 18px; line-height: 25px; margin: 4px 0 2px; }
p { white-space: pre-wrap; overflow-wrap: anywhere; margin-top: 8px; }
code { font: 12.5px/18px "DejaVu Sans Mono", monospace; color: #b3114a; background: #f6f6f6; border: 1px solid #ddd;
       border-radius: 3px; padding: 1px 3px; }
pre { font: 12.5px/18px "DejaVu Sans Mono", monospace; background: #f8f8f8; border: 1px solid #ddd; border-radius: 4px;
      padding: 7px 9px; margin-top: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
.button { display: inline-block; border: 1px solid #bbb; border-radius: 4px; padding: 4px 12px; margin: 10px 8px 0 0;
          font-weight: bold; font-size: 14px; }
.primary { background: #007a5a; border-color: #007a5a; color: #fff; }
.danger { border-color: #e01e5a; color: #e01e5a; }
img { display: block; width: 100%%; max-width: 800px; margin-top: 10px; border: 1px solid #ddd; border-radius: 8px; }
.mention { color: #1264a3; background: #e8f5fa; border-radius: 3px; padding: 0 2px; }
</style><main><div class="typed">%(above)s</div>
<div class="face">r</div><div><span class="who">rag</span><span class="app">APP</span>
<span class="small">%(seen_by)s</span>%(blocks)s</div></main>
<script>document.body.dataset.height = Math.ceil(document.querySelector("main").getBoundingClientRect().height)</script>
"""


@asynccontextmanager
async def sandbox(scenario: str) -> AsyncIterator[SlackControl]:
    """Run the demo without its prompt, in a data folder of its own."""
    with tempfile.TemporaryDirectory(prefix="ragops-picture-") as folder:
        state = Path(folder) / "sandbox.json"
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("ragops"), "sandbox", "up", "--scenario", scenario,
            env={"PATH": os.environ["PATH"], "HOME": folder, "RAGOPS_DATA": folder},
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not state.exists():  # noqa: ASYNC110  # another process makes it
                    await asyncio.sleep(0.1)
                async with SlackControl(json.loads(state.read_text())["control_url"]) as control:
                    await control.connected(timeout=PATIENCE_S)
                    yield control
        finally:
            process.terminate()
            await process.wait()


async def answer(command: str, scenario: str) -> Shown:
    """Return the bot's answer to a command of ann's: the message with buttons, be it for her alone or a card."""
    async with sandbox(scenario) as control, asyncio.timeout(PATIENCE_S):
        while True:  # what must be kept is refused while the database is still being made
            said = await control.say(command, user="ann", channel="ops")
            if not said.ok:
                raise SystemExit(f"the sandbox refused {command}: {said.seen}")
            message = await _with_buttons(control)
            if message is not None:
                return message


async def _with_buttons(control: SlackControl) -> Shown | None:
    """Wait a while for a message of the bot with buttons."""
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            while True:
                await control.settle()
                for message in await control.read(channel="ops", user="ann", thread="all"):
                    if message.author == "rag" and message.buttons:
                        return message
                await asyncio.sleep(0.5)
    return None


def typed(command: str) -> str:
    """Return what stands above an answer."""
    return f"ann in #ops types <code>{html.escape(command)}</code>"


def page(above: str, seen_by: str, blocks: Sequence[Mapping[str, Any]], pictures: Mapping[str, bytes]) -> str:
    """Return the page of one message; `above` is HTML, `pictures` are the files that image blocks show, by id."""
    drawn = "".join(_block(block, pictures) for block in blocks)
    return PAGE % {"width": WIDTH, "above": above, "seen_by": html.escape(seen_by), "blocks": drawn}


def _block(block: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    match block["type"]:
        case "image":
            picture = base64.b64encode(pictures[block["slack_file"]["id"]]).decode()
            return f'<img src="data:image/png;base64,{picture}" alt="{html.escape(block["alt_text"])}">'

        case "header":
            return f"<h1>{html.escape(block['text']['text'])}</h1>"
        case "rich_text":
            return "".join(_rich(element) for element in block["elements"])
        case "context":
            return f'<div class="small">{"".join(map(_small, block["elements"]))}</div>'
        case "actions":
            return "".join(_button(button) for button in block["elements"])
        case kind:
            raise SystemExit(f"blocks of the kind {kind} are not drawn here yet")


def _small(element: Mapping[str, Any]) -> str:
    person = re.fullmatch(r"<@(\w+)>", element["text"]) if element["type"] == "mrkdwn" else None
    return _mention(person[1]) if person else html.escape(element["text"])


def _mention(user_id: str) -> str:
    return f'<span class="mention">@{html.escape(NAMES.get(user_id, user_id))}</span>'


def _button(button: Mapping[str, Any]) -> str:
    return f'<span class="button {button.get("style", "")}">{html.escape(button["text"]["text"])}</span>'


def _rich(element: Mapping[str, Any]) -> str:
    words = "".join(_leaf(leaf) for leaf in element["elements"])
    return f"<pre>{words}</pre>" if element["type"] == "rich_text_preformatted" else f"<p>{words}</p>"


def _leaf(leaf: Mapping[str, Any]) -> str:
    if leaf["type"] == "user":
        return _mention(leaf["user_id"])
    words, style = html.escape(leaf["text"]), leaf.get("style", {})
    words = f"<code>{words}</code>" if style.get("code") else words
    return f"<b>{words}</b>" if style.get("bold") else words


async def photograph(text: str, output: Path, chromium: str) -> None:
    """Measure the page, then take its picture at exactly that height."""
    with tempfile.TemporaryDirectory(prefix="ragops-picture-") as folder:
        source = Path(folder) / "page.html"
        source.write_text(text, encoding="utf-8")
        address, profile = source.as_uri(), f"--user-data-dir={folder}/profile"
        drawn = await _run(chromium, *QUIET, profile, f"--window-size={WIDTH},3000", "--dump-dom", address)
        found = re.search(r'data-height="(\d+)"', drawn)
        if found is None:
            raise SystemExit("Chromium did not lay out the page")
        size = f"--window-size={WIDTH},{found[1]}"
        await _run(chromium, *QUIET, profile, size, f"--screenshot={output}", address)


async def _run(*words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE_S):
        out, error = await process.communicate()
    if process.returncode:
        raise SystemExit(error.decode(errors="replace"))
    return out.decode()


def find_chromium() -> str:
    """Return the browser that takes the pictures."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("There is no chromium here; on Debian: apt-get install chromium")
    return chromium


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="bad-release")
    parser.add_argument("--command", help="draw the answer to this alone")
    parser.add_argument("--output", type=Path, default=IMAGES / "status.png", help="where that goes")
    options = parser.parse_args()
    chromium = find_chromium()
    since = datetime.now(UTC) - RELEASED
    pictures = {
        IMAGES / "status.png": "/rag status",
        IMAGES / "card.png": f'/rag rollback api --reason "500s since {since:%H:%M}"',
    }
    for output, command in ({options.output: options.command} if options.command else pictures).items():
        message = await answer(command, options.scenario)
        seen_by = "only visible to you" if message.ephemeral else "for everybody in #ops"
        await photograph(page(typed(command), seen_by, message.raw["blocks"], {}), output, chromium)
        print(f"{output}: {output.stat().st_size // 1024} KB")


if __name__ == "__main__":
    asyncio.run(main())
