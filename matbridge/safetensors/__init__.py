"""Networks as safetensors: weights in MATLAB's layout with the graph beside them."""
