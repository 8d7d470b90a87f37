"""Commands: the only place where an error becomes a sentence, and an outcome an exit code.

0 all well; 1 a source or a publisher failed and the rest went on, or a check found something; 2 usage or configuration
wrong, nothing was touched. Each command imports what it needs when it runs, so that `syncd --help` is quick.
"""

from syncd.cli.boundary import main

__all__ = ["main"]
