"""Each layer by itself: the recorded ones judged, and where two computations part."""
