"""The version of matbridge."""

VERSION = "0.1.0"
