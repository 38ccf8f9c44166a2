"""A scenario: a stated world, its market, its actors, what they do, and what must be true at the end.

title · source · start · end
world:   feed, feeds, instruments, collaterals, pool, liquidation, debt, guard
prices:  feed → points | bars | csv | shape | still
actors:  name or name/sub → role, about, deposit, open, provide, at
steps:   title, at, who, one verb, fails
expect:  what is checked at the end
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from plimsoll.errors import UnknownScenario
from plimsoll.scenarios import expectations
from plimsoll.scenarios.actors import ActorSpec, read_actors
from plimsoll.scenarios.expectations import Expectation
from plimsoll.scenarios.prices import Path
from plimsoll.scenarios.reader import Reader, read_yaml
from plimsoll.scenarios.steps import Step, read_steps
from plimsoll.scenarios.world import read_paths, read_world
from plimsoll.types import World

LIBRARY = FilePath(__file__).parent / "library"


@dataclass(frozen=True)
class Scenario:
    """steps: in the order of time; those of one second in the order of the file, actors' own first.
    silences: feed → when it does not answer, [from, until). judged: False where the prices are not the author's own, so
    that his expectations, and refusals that he did not foresee, are not held against the run."""

    name: str
    title: str
    source: str
    world: World
    paths: Mapping[str, Path]
    end: int
    actors: tuple[ActorSpec, ...]
    steps: tuple[Step, ...]
    silences: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    expectations: tuple[Expectation, ...] = ()
    keeper: str = "keeper"
    judged: bool = True


def shipped() -> dict[str, FilePath]:
    """The scenarios that come with the library, by name."""
    return {path.stem: path for path in sorted(LIBRARY.glob("*.yaml"))}


def find(name_or_file: str) -> FilePath:
    """Raises UnknownScenario."""
    known = shipped()
    if name_or_file in known:
        return known[name_or_file]
    path = FilePath(name_or_file)
    if path.is_file():
        return path
    raise UnknownScenario(f'no scenario and no file is called "{name_or_file}"; shipped are: {", ".join(known)}')


def load(path: FilePath, overrides: Mapping[str, FilePath] | None = None) -> Scenario:
    """Reads and validates a scenario. overrides: feed → CSV of the user; the feed "" is the file's first.

    Raises ScenarioFileError (file, line, field, what was expected) and PriceFileError.
    """
    root = read_yaml(path)
    given = root.record(("title", "world", "prices", "actors"), ("source", "start", "end", "steps", "expect"))
    chosen = _overrides(given["prices"], overrides or {})
    paths = read_paths(root, given["prices"], path.parent, chosen)
    world = read_world(given["world"], paths)
    end = given["end"].time(paths.start, "an end") if "end" in given else paths.end
    if end <= paths.start:
        given["end"].fail("is not after the start")
    actors, opening = read_actors(given["actors"], world, paths.of)
    steps, silences = read_steps(given["steps"], world, actors, end) if "steps" in given else ((), {})
    silences |= {feed: ((paths.start, end + 1),) for feed in paths.still}
    keepers = [spec.account.actor for spec in actors if spec.role == "keeper"]
    return Scenario(
        name=path.stem,
        title=given["title"].text("a sentence"),
        source=given["source"].text("where the figures are from") if "source" in given else "",
        world=world,
        paths=paths.of,
        end=end,
        actors=actors,
        steps=tuple(sorted((*opening, *steps), key=lambda step: step.time)),
        silences=silences,
        expectations=expectations.read(given["expect"], world, actors) if "expect" in given else (),
        keeper=keepers[0] if keepers else "keeper",
        judged=not chosen,
    )


def _overrides(section: Reader, overrides: Mapping[str, FilePath]) -> dict[str, FilePath]:
    feeds = list(section.mapping())
    chosen = {}
    for feed, file in overrides.items():
        name = feed or feeds[0]
        if name not in feeds:
            section.fail(f'there is no feed "{name}" to give other prices; expected one of: {", ".join(feeds)}')
        chosen[name] = file
    return chosen
