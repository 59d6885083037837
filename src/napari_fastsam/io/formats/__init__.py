"""What results are written as and labels are read from: a format is a file here, which registers itself.

All files of this folder are imported with it, so that a further one needs no list that names it.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
