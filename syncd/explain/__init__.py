"""Why a number is what it is: evidence, links, edits, restatements, differences and history."""
