"""Names of images, as container runtimes read them: registry, repository, tag, digest. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST = 255
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]{1,5})?"
)
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_DEFAULT_REGISTRY = "docker.io"
LATEST = "latest"


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image's name in its parts; `repository` has the registry, as it was written. `str` puts it together again."""

    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.repository}{':' + self.tag if self.tag else ''}{'@' + self.digest if self.digest else ''}"

    @property
    def home(self) -> str:
        """Return the registry and the repository with what is usually left out: `docker.io/library/nginx`."""
        host, slash, path = self.repository.partition("/")
        if not slash or not _is_host(host):
            host, path = _DEFAULT_REGISTRY, self.repository
        host = _DEFAULT_REGISTRY if host == "index.docker.io" else host
        return f"{host}/library/{path}" if host == _DEFAULT_REGISTRY and "/" not in path else f"{host}/{path}"

    @property
    def moves(self) -> bool:
        """Tell whether the name says nothing of a version: `latest`, or no tag at all."""
        return not self.digest and self.tag in ("", LATEST)

    @property
    def short(self) -> str:
        """Return the name without its registry and folders."""
        return str(self).rpartition("/")[2]


def image_name(text: str) -> ImageName:
    """Read the name of an image. Raises `ValueError`, whose text says what is wrong with it."""
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise ValueError(f'"{_cut(digest)}" is no digest: one is "sha256:" and 64 hexadecimal digits')
    folder, slash, last = rest.rpartition("/")
    last, colon, tag = last.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise ValueError(f'"{_cut(tag)}" is no tag: one has up to 128 letters, digits, dots, dashes and underscores')
    repository = f"{folder}{slash}{last}"
    host, slash, path = repository.partition("/")
    if not slash or not _is_host(host):
        path = repository
    elif not _HOST.fullmatch(host):
        raise ValueError(f'"{_cut(host)}" is no registry')
    if len(repository) > _LONGEST or not all(_PART.fullmatch(part) for part in path.split("/")):
        raise ValueError(f'"{_cut(repository)}" is no repository: its name has small letters, digits, ".", "_" and "-"')
    return ImageName(repository, tag, digest)


def meant(text: str, present: ImageName) -> ImageName:
    """Return the image that a person means beside the present one: a whole name, or another tag or digest of it.

    Raises `ValueError`, whose text says what is wrong.
    """
    if text.startswith("@"):
        return image_name(f"{present.repository}{text}")
    if _DIGEST.fullmatch(text):
        return image_name(f"{present.repository}@{text}")
    if text.startswith(":"):
        return image_name(f"{present.repository}{text}")
    if any(mark in text for mark in "/:@"):
        return image_name(text)
    if text == present.repository.rpartition("/")[2]:
        raise ValueError(f'"{_cut(text)}" is the repository that it has: name a tag, as in :v1.2')
    return image_name(f"{present.repository}:{text}")


def _is_host(part: str) -> bool:
    """Tell whether the part before the first slash is a registry, as the runtimes decide it."""
    return "." in part or ":" in part or part == "localhost" or part != part.lower()


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
