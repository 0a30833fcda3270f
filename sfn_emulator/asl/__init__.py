"""Definition text → checked model. Pure; ``lint`` checks texts that still hold ``${Substitutions}``."""
