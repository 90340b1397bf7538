"""mat-io, imported without what it only needs for tables and sparse matrices.

It imports pandas and scipy.sparse, which take longer than all the rest of opening a file and are
hardly ever used. While it is imported they are stand-ins, which open the real module when
something of it is used. To be imported before anything of mat-io.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

__all__ = ["standing_in"]


class Later:
    """Something of a module, by its path in it; what it is shows when it is called."""

    module: str
    path: str

    def __init__(self, module: str, path: str) -> None:
        self.__dict__.update(module=module, path=path)

    def __getattr__(self, name: str) -> Later:
        return Later(self.module, f"{self.path}.{name}")

    def __setattr__(self, name: str, value: object) -> None:
        """An option, which mat-io sets for the tables that it makes: we take none from it."""

    def __call__(self, *arguments: object, **options: object) -> object:
        thing: Any = importlib.import_module(self.module)
        for part in self.path.split("."):
            thing = getattr(thing, part)
        return thing(*arguments, **options)


class StandIn(ModuleType):
    """A module in place of another: during the import of a third it promises, then it delivers."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            return Later(self.__name__, name)
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def standing_in(*names: str) -> Iterator[None]:
    """Stand-ins for these modules, unless they are there already, until the block ends."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update({name: StandIn(name) for name in absent})
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


with standing_in("pandas", "scipy.sparse"):
    import matio
    import matio.v5.matwriter5
    import matio.v7.matwriter7  # noqa: F401
