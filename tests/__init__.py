import support.execute  # noqa: F401  first of all: it spares the tests a slow import
