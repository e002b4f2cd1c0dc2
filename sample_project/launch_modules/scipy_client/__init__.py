"""An application in several files: counts come over HTTP, SciPy fits their growth."""
