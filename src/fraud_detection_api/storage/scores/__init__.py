"""What the score store is made of: engines, failures and their patience, the table of scores."""
