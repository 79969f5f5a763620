"""What services send to a function, and what Lambda sends on: pure shapes, field by field."""
