"""Builds the small C extensions in place; without a compiler the service works on, slower.

With FRAUD_REQUIRE_COMPILED=1, as in the image, in CI and for a release, a failure ends the build instead.
"""

import os
import sys
from pathlib import Path

from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, ExecError, PlatformError

PACKAGE = "fraud_detection_api"
SOURCES = ("model/_forest.c", "features/_json_rows.c", "features/_histories.c", "features/_packed_records.c")


def extension(source: str) -> Extension:
    """One abi3 extension for every Python from 3.11 on."""
    return Extension(
        f"{PACKAGE}." + source.removesuffix(".c").replace("/", "."),
        [f"src/{PACKAGE}/{source}"],
        define_macros=[("Py_LIMITED_API", "0x030B0000")],
        depends=[str(header) for header in Path(f"src/{PACKAGE}/{source}").parent.glob("*.h")],
        py_limited_api=True,
        extra_compile_args=["-O3", "-std=c11", "-ffp-contract=off", "-Wall"],
        libraries=["m"],
    )


def build() -> None:
    """Compile into src/, or say why not and leave the Python paths to do the work."""
    distribution = Distribution({"name": PACKAGE, "package_dir": {"": "src"}})
    distribution.ext_modules = [extension(source) for source in SOURCES if Path(f"src/{PACKAGE}/{source}").exists()]
    command = build_ext(distribution)
    command.inplace = True
    command.ensure_finalized()
    try:
        command.run()
    except (CCompilerError, ExecError, PlatformError) as error:
        if os.environ.get("FRAUD_REQUIRE_COMPILED") == "1":
            raise
        print(f"{PACKAGE}: built without the compiled parts (slower, same answers): {error}", file=sys.stderr)


if __name__ == "__main__":
    build()
