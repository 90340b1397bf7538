"""The usual suspects: what makes a right network and right values differ, each one tried."""
