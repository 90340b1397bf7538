"""What is wrong with numbers that shall be the indices of words, whatever looks them up."""

from __future__ import annotations

from matbridge.errors import MismatchError

__all__ = ["not_a_word", "not_whole"]


def not_whole(index: float) -> MismatchError:
    """An index that counts nothing."""
    return MismatchError(
        f"an index is {index:g}, not a whole number", mend="Give the indices of words, from 1."
    )


def not_a_word(words: int) -> MismatchError:
    """An index of a word that a layer does not know, where it must."""
    return MismatchError(
        f"an index is not one of 1 to {words}",
        mend="Give the indices of known words, from 1: this layer's OOVMode is 'error', or "
        "its Weights lack the column for unknown words.",
    )
