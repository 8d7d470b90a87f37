"""The truth: the actual state of every example key result, computed from the company's own objects."""
