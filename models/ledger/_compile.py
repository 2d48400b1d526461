"""The contract compiled: `python -m models.ledger._compile` writes contract.json anew."""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from models.ledger._errors import LedgerError

__all__ = ["compiled", "main"]

HERE = Path(__file__).parent
SOURCE, RESULT = HERE / "ReputationLedger.vy", HERE / "contract.json"
VERSION, TARGET = "0.4.3", "cancun"


def compiled() -> dict[str, Any]:
    """What contract.json must hold: the compiler, its target, SHA-256 of the source, ABI and bytecode.

    Raises
    ------
    LedgerError
        If Vyper is missing, or another version.
    """
    try:
        import vyper
        from vyper.compiler.settings import Settings
    except ModuleNotFoundError as missing:
        if missing.name != "vyper":
            raise
        raise LedgerError(f"compiling the contract needs Vyper: install vyper=={VERSION}") from None
    if vyper.__version__ != VERSION:
        raise LedgerError(f"the contract must be compiled by Vyper {VERSION}, got {vyper.__version__}")
    source = SOURCE.read_text("utf-8")
    # Vyper's note at the end of the code would change with every comment.
    settings = Settings(evm_version=TARGET)
    found = vyper.compile_code(source, output_formats=["abi", "bytecode"], settings=settings, no_bytecode_metadata=True)
    return {
        "compiler": f"vyper {VERSION}",
        "evm_version": TARGET,
        "source_sha256": sha256(source.encode()).hexdigest(),
        "abi": found["abi"],
        "bytecode": found["bytecode"],
    }


def main() -> int:
    """Compile, and write contract.json."""
    try:
        found = compiled()
    except LedgerError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    text = json.dumps(found, indent=1) + "\n"
    beside = RESULT.with_suffix(".json.part")
    beside.write_text(text, "utf-8")
    beside.replace(RESULT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
