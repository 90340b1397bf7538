"""``python -m matbridge``."""

from matbridge.cli import main

if __name__ == "__main__":
    main()
