"""Words in messages and on pages."""


def counted(number: int, what: str) -> str:
    """Such as ``1 seed`` or ``2 seeds``."""
    return f"{number} {what}{'' if number == 1 else 's'}"
