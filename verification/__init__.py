"""Independent evidence about what a solver claims."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verification.certificates import Certificate, certify

__all__ = ["Certificate", "certify"]


def __getattr__(name: str) -> Any:
    """The public names, loaded when they are asked for: `verification.check` works without any solver."""
    if name in __all__:
        from verification import certificates

        return getattr(certificates, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
