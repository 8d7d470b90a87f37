"""What every example key result really is, counted from the company's own objects."""
