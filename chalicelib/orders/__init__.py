"""Orders: placing, paying, fulfilling, cancelling and refunding them."""
