"""The templates, and how they are filled: whatever is put in is escaped."""

from __future__ import annotations

import importlib

from matbridge.errors import UnsupportedError
from matbridge.text import not_loaded, visible

__all__ = ["check_libraries", "render"]


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
    return environment.get_template(template).render(**values)
