"""Code that MATLAB's genFunction wrote for a network: its constants and structure, from text."""

from matbridge.matlab.generated.read import GeneratedCode, read_code

__all__ = ["GeneratedCode", "read_code"]
