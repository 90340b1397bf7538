"""Networks in other languages: a torch program, safetensors, ONNX."""
