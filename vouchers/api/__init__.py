"""The JSON doors: one file for each noun, `guard.py` at the door, `problems.py` for every no."""
