"""``python -m weighbridge.model_manager``."""

from weighbridge.model_manager.cli import main

if __name__ == "__main__":
    main()
