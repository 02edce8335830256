"""Which digit is in the picture, and has it a closed loop: a small application on Weighbridge."""
