"""``python -m sfn_emulator``, the same as ``sfn-emulator``; without a command it serves."""

import sys

from sfn_emulator.errors import lacking

if __name__ == "__main__":
    try:
        from sfn_emulator.command.front_door import main
    except ModuleNotFoundError as error:
        sys.exit(f"sfn-emulator: {lacking(error)}")
    main()
