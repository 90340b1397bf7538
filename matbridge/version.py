"""The version of matbridge, and where more about it is to be read."""

__all__ = ["DOCS", "HOME", "ISSUES", "VERSION"]

VERSION = "0.1.0"

# The same as project.urls in pyproject.toml.
HOME = "https://github.com/matbridge/matbridge"
DOCS = f"{HOME}/blob/main/docs"
ISSUES = f"{HOME}/issues"
