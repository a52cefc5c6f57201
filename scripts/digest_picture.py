"""Draw docs/images/digest.png: a digest as the stand-in for Slack stored it, its message and its picture.

Looks into a running sandbox (`--control`, the address of its control door, as `sandbox.json` of its data folder names
it) for the newest message with a picture in a channel, or reads one that was stored before (`--stored`). `--store`
keeps what was found, so that it can be drawn again. What the page shows is typed before: the rollback of `api` and
`set memory worker 1Gi` by ann, each approved by bob; four minutes later `digest now` by lea. See `picture.py` for how a
page is laid out and photographed.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
from pathlib import Path
from typing import Any

from picture import IMAGES, find_chromium, page, photograph

from sandbox.slack.control import SlackControl

Stored = dict[str, Any]


async def look(control_url: str, channel: str) -> Stored:
    """Return the newest message of the bot with a picture, with the bytes of the picture."""
    async with SlackControl(control_url) as control:
        for message in reversed(await control.read(channel=channel)):
            blocks = message.raw.get("blocks", [])
            files = [block["slack_file"]["id"] for block in blocks if block["type"] == "image"]
            if message.author == "rag" and files:
                pictures = {file: base64.b64encode(await control.file(file)).decode() for file in files}
                return {"channel": message.channel, "blocks": blocks, "pictures": pictures}
    raise SystemExit(f"There is no message with a picture in #{channel}.")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--control", help="the address of the control door of a running sandbox")
    where.add_argument("--stored", type=Path, help="a file that --store wrote")
    parser.add_argument("--channel", default="general")
    parser.add_argument("--store", type=Path, help="keep the message and its picture in this file")
    parser.add_argument("--output", type=Path, default=IMAGES / "digest.png")
    options = parser.parse_args()
    stored = json.loads(options.stored.read_text()) if options.stored else await look(options.control, options.channel)
    if options.store:
        options.store.write_text(json.dumps(stored))
    pictures = {file: base64.b64decode(data) for file, data in stored["pictures"].items()}
    above = f"lea in #{stored['channel']} types <code>/rag digest now</code>; by itself it comes each weekday at nine"
    seen_by = f"for everybody in #{stored['channel']}"
    await photograph(page(above, seen_by, stored["blocks"], pictures), options.output, find_chromium())
    print(f"{options.output}: {options.output.stat().st_size // 1024} KB")


if __name__ == "__main__":
    asyncio.run(main())
