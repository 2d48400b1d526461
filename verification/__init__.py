"""Independent evidence about what a solver claims."""

from verification.certificates import Certificate, certify

__all__ = ["Certificate", "certify"]
