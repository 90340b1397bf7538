"""Code that MATLAB's genFunction wrote for a network: its constants and structure, from text."""

from matbridge.matlab.generated.read import GeneratedCode, load_code, read_code

__all__ = ["GeneratedCode", "load_code", "read_code"]
