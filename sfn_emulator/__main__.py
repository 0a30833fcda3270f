"""``python -m sfn_emulator``, the same as ``sfn-emulator``; without a command it serves."""

import sys

if __name__ == "__main__":
    try:
        from sfn_emulator.command.front_door import main
    except ModuleNotFoundError as error:
        sys.exit(
            f"sfn-emulator: this Python ({sys.executable}) lacks the package '{error.name}'; "
            "run '. .venv/bin/activate' in a checkout where make ran, or 'pip install .'"
        )
    main()
