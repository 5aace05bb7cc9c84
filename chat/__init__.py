"""What to say: from a question to an Answer that only quotes, and how it is shown and served."""
