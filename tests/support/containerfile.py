"""Reads the Containerfile: its stages and their instructions, as far as this project writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CONTAINERFILE = Path(__file__).parents[2] / "Containerfile"
USER = 10001
# What installs and builds, and has no place where the product runs.
BUILD_TOOLS = ("pip", "setuptools", "wheel")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its lines joined and its comments left out."""

    name: str
    words: str

    @property
    def copied(self) -> tuple[tuple[str, ...], str]:
        """Return the sources and the target of a COPY, without its options."""
        words = [word for word in self.words.split() if not word.startswith("--")]
        return tuple(words[:-1]), words[-1]


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands from one FROM to the next. The name is empty where the stage has none."""

    image: str
    name: str
    instructions: tuple[Instruction, ...]

    def of(self, name: str) -> list[Instruction]:
        """Return the instructions of one kind, in order."""
        return [instruction for instruction in self.instructions if instruction.name == name]


def read(path: Path = CONTAINERFILE) -> tuple[dict[str, str], list[Stage]]:
    """Return the arguments before the first stage with their defaults, and the stages."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    arguments: dict[str, str] = {}
    stages: list[tuple[str, str, list[Instruction]]] = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, _, words = line.partition(" ")
        if name == "FROM":
            image, _, stage = words.partition(" AS ")
            stages.append((image, stage, []))
        elif stages:
            stages[-1][2].append(Instruction(name, words))
        else:
            assert name == "ARG", line
            key, _, value = words.partition("=")
            arguments[key] = value
    return arguments, [Stage(image, stage, tuple(instructions)) for image, stage, instructions in stages]
