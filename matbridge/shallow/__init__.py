"""MATLAB's ``network`` objects: what one says, and the cards that compute it."""
