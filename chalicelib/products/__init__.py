"""Products: categories, products with their variants, stock and its ledger of movements."""
