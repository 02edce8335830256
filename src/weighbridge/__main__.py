"""``python -m weighbridge`` is the command ``weighbridge``."""

from weighbridge.doors.cli.app import main

if __name__ == "__main__":
    main()
