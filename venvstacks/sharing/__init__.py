"""Results that machines share through a store: their keys, their records, the stores, and how runs use them."""
