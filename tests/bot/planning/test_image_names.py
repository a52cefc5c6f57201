"""Names of images are read as container runtimes read them, and short forms are completed from the present one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.planning.image_names import ImageName, image_name, meant

DIGEST = "sha256:" + "ab" * 32
PARTS = st.from_regex(r"[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,8})?", fullmatch=True)
HOSTS = st.sampled_from(["", "registry.example.com/", "localhost/", "localhost:5000/", "10.0.0.1:443/"])
REPOSITORIES = st.builds(lambda host, parts: host + "/".join(parts), HOSTS, st.lists(PARTS, min_size=1, max_size=3))
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
NAMES = st.builds(ImageName, REPOSITORIES, st.one_of(st.just(""), TAGS), st.sampled_from(["", DIGEST]))


@given(NAMES)
def test_a_name_reads_as_it_was_put_together(name: ImageName) -> None:
    """Whatever its parts are, the port of a registry is no tag."""
    assert image_name(str(name)) == name


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_a_value_error(text: str) -> None:
    """What is read is written again as it was."""
    try:
        name = image_name(text)
    except ValueError:
        return
    assert str(name) == text


@given(REPOSITORIES, TAGS)
def test_a_tag_alone_keeps_the_repository(repository: str, tag: str) -> None:
    """With its colon or without; a digest of the present image is dropped."""
    present = ImageName(repository, "old", DIGEST)
    assert meant(f":{tag}", present) == ImageName(repository, tag)
    if tag != repository.rpartition("/")[2]:
        assert meant(tag, present) == ImageName(repository, tag)


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (DIGEST, f"r.example.com/app@{DIGEST}"),
        (f"@{DIGEST}", f"r.example.com/app@{DIGEST}"),
        ("other/app", "other/app"),
        ("app:v2", "app:v2"),
        (f"r.example.com/app:v2@{DIGEST}", f"r.example.com/app:v2@{DIGEST}"),
        ("localhost:5000/app", "localhost:5000/app"),
    ],
)
def test_what_is_more_than_a_tag_is_taken_as_it_is(said: str, meaning: str) -> None:
    assert str(meant(said, image_name("r.example.com/app:v1"))) == meaning


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("app", "is the repository that it has"),
        ("", "is no tag"),
        (":", "is no tag"),
        (":-x", "is no tag"),
        ("a b", "is no tag"),
        (f":{'x' * 129}", "is no tag"),
        ("@sha256:ab", "is no digest"),
        ("r.example.com/UPPER:v1", "is no repository: its name has small letters"),
        ("r.example.com/App", "is no repository"),
        ("r.example.com//app", "is no repository"),
        ("-r.example.com/app", "is no registry"),
        ("r.example.com:x/app", "is no registry"),
        (f"{'a' * 256}:v1", "is no repository"),
    ],
)
def test_what_is_no_image_is_refused(said: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        meant(said, image_name("r.example.com/app:v1"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("docker.io/nginx", "index.docker.io/library/nginx"),
        ("a/b", "docker.io/a/b"),
    ],
)
def test_a_repository_has_one_home(one: str, other: str) -> None:
    """What may be left out of a name does not make another repository of it."""
    assert image_name(one).home == image_name(other).home
    assert image_name(one).home != image_name(f"r.example.com/{one.rpartition('/')[2]}").home


@pytest.mark.parametrize(
    ("text", "home"),
    [
        ("my.app", "docker.io/library/my.app"),
        ("a__b/c", "docker.io/a__b/c"),
        ("r.example.com/app", "r.example.com/app"),
        ("localhost/app", "localhost/app"),
        ("REGISTRY/app", "REGISTRY/app"),
        ("a" * 255, f"docker.io/library/{'a' * 255}"),
    ],
)
def test_a_registry_is_told_from_a_folder(text: str, home: str) -> None:
    """As the runtimes tell them: by a dot, a port, capitals, or its being localhost."""
    assert image_name(text).home == home


def test_a_long_slip_is_cut() -> None:
    with pytest.raises(ValueError, match=f'^"{"x" * 59}…" is no digest'):
        image_name(f"app@{'x' * 500}")
    with pytest.raises(ValueError, match=f'^"{"x" * 60}" is no digest'):
        image_name(f"app@{'x' * 60}")


@pytest.mark.parametrize(
    ("text", "moves"), [("app", True), ("app:latest", True), ("app:v1", False), (f"app@{DIGEST}", False)]
)
def test_a_name_without_a_version_moves(text: str, moves: bool) -> None:
    assert image_name(text).moves is moves
