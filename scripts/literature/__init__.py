"""The networks of MATLAB's examples and of the literature, small: layers built in Python, and
what they compute by the NumPy reference in tests/reference."""

from literature import convolutions, mixtures, recurrences

NETWORKS = (*recurrences.NETWORKS, *convolutions.NETWORKS, *mixtures.NETWORKS)
