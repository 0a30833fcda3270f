"""The front door ``sfn-emulator``: one file a sub-command, each holding a click command named ``command``; no logic."""
