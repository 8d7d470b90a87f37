"""What is in syncd beside its own code: the locked packages. Run by people who release it; not part of the wheel."""
