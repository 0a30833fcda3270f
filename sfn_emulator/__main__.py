"""``python -m sfn_emulator``, the same as ``sfn-emulator``; without a command it serves."""

from sfn_emulator.command.front_door import main

if __name__ == "__main__":
    main()
