"""Networks at work: PyTorch."""
