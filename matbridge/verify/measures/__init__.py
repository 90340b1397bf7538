"""What is measured of a value: how far it is from another one, and how much that says."""
