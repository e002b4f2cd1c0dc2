"""Publishing and exporting one layer, and the manifest of the whole stack."""
