"""What a file holds, told."""
