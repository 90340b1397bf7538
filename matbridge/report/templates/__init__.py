"""The templates, and how they are filled: whatever is put in is escaped."""

from __future__ import annotations

import importlib
import math
from importlib import resources
from typing import TYPE_CHECKING

from matbridge.errors import UnsupportedError
from matbridge.text import not_loaded, visible

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["check_libraries", "figure", "render", "text_of"]


def check_libraries(*names: str) -> None:
    """Raise UnsupportedError where one of these is not installed, or does not load."""
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise UnsupportedError(
                f"this needs {name}: {not_loaded(name, error)}",
                mend="pip install 'matbridge[report]'",
            ) from None


def render(template: str, **values: object) -> str:
    """The text of a template with these values.

    Texts that do not print are shown as escapes, and nothing is taken for markup. Raises
    UnsupportedError where jinja2 is not installed.
    """
    check_libraries("jinja2")
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("matbridge.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: visible(value, keep="\n") if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "embedded": _embedded}
    return environment.get_template(template).render(**values)


def figure(value: float) -> str:
    """A number as tables show it."""
    if math.isnan(value):
        return "NaN"
    return f"{value:.3g}" if math.isfinite(value) else "∞" if value > 0 else "−∞"


def text_of(name: str) -> str:
    """A file that goes into a page as it is."""
    text: str = resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
    return text


def _embedded(text: str) -> Markup:
    """JSON inside of a script, which no text of it can end."""
    from markupsafe import Markup

    return Markup(text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e"))
