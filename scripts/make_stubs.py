"""Write matbridge/matlab/__init__.pyi, which tells editors the constructors' arguments."""

from pathlib import Path

import matbridge
from matbridge.matlab import CONSTRUCTORS
from matbridge.matlab.signatures import stub

STUB = Path(matbridge.__file__).parent / "matlab" / "__init__.pyi"

if __name__ == "__main__":
    STUB.write_text(stub(CONSTRUCTORS.items()), encoding="utf-8")
    print(f"written: {STUB}")
