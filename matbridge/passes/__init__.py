"""From network to network: what changes one without changing what it computes."""
