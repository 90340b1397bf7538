"""What a network is: layers and connections in MATLAB's own layout."""
