"""The truth: where every example key result really stands, worked out from the company's own objects."""
