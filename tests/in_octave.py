"""GNU Octave, in which MATLAB's functions are tried against stubs; tests skip without it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from matbridge.matlab.kit import functions

STUBS = Path(__file__).parent / "octave"


class Octave:
    """Octave with the kit and the stubs on its path, in a folder."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.kit = folder / "kit"
        self.kit.mkdir()
        for name, code in functions().items():
            (self.kit / name).write_text(code, encoding="ascii")

    def __call__(self, code, fails=False):
        """Run code; what it printed."""
        script = self.folder / "script.m"
        paths = f"addpath('{self.kit}'); addpath('{STUBS}');"
        # Octave may crash as it ends, well after the work is done.
        script.write_text(
            f"{paths}\nwarning('off', 'Octave:language-extension');\ntry\n{code}\n"
            "disp('DONE');\ncatch problem\ndisp(['FAILED ' problem.message]);\n"
            "for place = problem.stack', disp(place), end\nend\n"
        )
        command = [self.program, "--no-gui", "--quiet", "--no-init-file", str(script)]
        found = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )
        assert ("FAILED" in found.stdout) == fails, found.stdout + found.stderr
        assert fails or "DONE" in found.stdout, found.stdout + found.stderr
        return found.stdout + found.stderr


def find(folder):
    """Octave in a folder; the test skips where there is none."""
    program = shutil.which("octave-cli") or shutil.which("octave")
    if program is None:
        pytest.skip("GNU Octave is not here")
    return Octave(program, folder)
