"""The version of this package, that of include/pagesim.h. A library of another minor number is refused."""
__version__ = "0.1.0"
