"""MATLAB's predict on any engine: layouts, mini-batches, data files."""
