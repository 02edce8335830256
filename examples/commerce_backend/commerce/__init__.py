"""A shop's back end that writes descriptions of its products with the model that its environment names."""
