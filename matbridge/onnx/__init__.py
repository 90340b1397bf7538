"""Networks in ONNX: the words as nodes of a graph, and the file."""
