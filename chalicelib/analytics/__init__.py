"""Analytics: what the shop sold, told once a day."""
