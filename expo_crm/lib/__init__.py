"""Pure helpers: no Flask, no database, no configuration. Every package may import them."""
