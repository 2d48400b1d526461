"""Applications: parameters in, frozen games out. An algorithm never lives here."""
