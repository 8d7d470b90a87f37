"""Telling people what changed: `news` finds it, `messages` words it, `telling` sends it, through apprise, once."""
