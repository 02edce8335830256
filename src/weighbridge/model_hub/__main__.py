"""``python -m weighbridge.model_hub``."""

from weighbridge.model_hub.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
