"""What makes the files that are given to hosts."""
