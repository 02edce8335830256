"""What the documents show is done: their commands and code run as they stand."""
