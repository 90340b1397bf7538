"""Networks in PyTorch: the words on tensors, the module, the program."""
