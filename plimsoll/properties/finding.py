"""From names on a command line to adapters and properties."""

from __future__ import annotations

import os
import pkgutil
import sys
from collections.abc import Sequence

from plimsoll.errors import AdapterError
from plimsoll.properties.adapter import MarginAdapter
from plimsoll.properties.laws import ALL, Property


def adapter(name: str) -> MarginAdapter:
    """What `package.module.name` makes when it is called without arguments: a class of adapters, or a function.

    Modules are looked for in the current folder first. Raises AdapterError.
    """
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        make = pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as problem:
        raise AdapterError(f"{name} cannot be found ({problem}). Write it as package.module.name.") from None
    made = make() if callable(make) else make
    if not isinstance(made, MarginAdapter):
        raise AdapterError(
            f"{name} makes a {type(made).__name__}, not a MarginAdapter: name a subclass of plimsoll.properties."
            "MarginAdapter or StepByStep, or a function that returns one."
        )
    return made


def properties(names: Sequence[str]) -> Sequence[Property]:
    """The properties of these names, all where there is none. Raises AdapterError."""
    known = {law.name: law for law in ALL}
    if wrong := [name for name in names if name not in known]:
        raise AdapterError(f"there is no property {wrong[0]}. There are: {', '.join(known)}")
    return [known[name] for name in names] or ALL
