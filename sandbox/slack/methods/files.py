"""files.*: a ticket for the upload, then the sharing; the bytes travel between the two."""

from __future__ import annotations

from sandbox.slack import limits
from sandbox.slack.errors import SlackError
from sandbox.slack.mentions import read_message
from sandbox.slack.methods.base import Call, Method, Tier
from sandbox.slack.methods.chat import parent_ts
from sandbox.slack.records import Content, File, Json


def get_upload_url(call: Call) -> Json:
    """Hand out a ticket for one file."""
    name, length = call.args.required("filename", "missing_argument"), call.args.number("length", 0)
    if length <= 0:
        raise SlackError("missing_argument")
    snippet_type = call.args.text("snippet_type") or None
    if snippet_type and length > limits.SNIPPET_BYTES:
        raise SlackError("snippet_too_large")
    file = File(call.world.ids.mint("F"), call.world.ids.secret(), name, length, snippet_type, title=name)
    call.world.files[file.id] = file
    return {"upload_url": f"{call.origin}/upload/{file.ticket}", "file_id": file.id}


def complete_upload(call: Call) -> Json:
    """Share uploaded files in a channel, or in none; sharing twice shares twice, and the answer does not say where."""
    listed = call.args.data("files")
    if not isinstance(listed, list) or not listed:
        raise SlackError("invalid_arguments")
    files = [_uploaded(call, item) for item in listed]
    for file, item in zip(files, listed, strict=True):
        file.title = str(item.get("title") or file.name)
        if file.shown_from is None:
            file.shown_from = call.world.clock() + call.world.picture_delay_s
    if call.args.text("channel_id"):
        _share(call, files)
    return {"files": [{"id": file.id, "title": file.title, "name": file.name} for file in files]}


def _uploaded(call: Call, item: object) -> File:
    file = call.world.files.get(str(item.get("id"))) if isinstance(item, dict) else None
    if file is None or file.body is None:
        raise SlackError("file_not_found")
    return file


def _share(call: Call, files: list[File]) -> None:
    channel = call.open_channel("channel_id")
    thread_ts = parent_ts(channel, call.args.text("thread_ts"))
    text = call.args.text("initial_comment")
    content = Content(text, reading=read_message({"text": text}, call.world.names()))
    shared = tuple(file.id for file in files)
    call.world.post(channel, call.world.bot, content, thread_ts=thread_ts, files=shared)
    for file in files:
        file.shared_in = channel.id


METHODS = (
    Method("files.getUploadURLExternal", get_upload_url, Tier.T4, ("files:write",)),
    Method("files.completeUploadExternal", complete_upload, Tier.T4, ("files:write",)),
)
