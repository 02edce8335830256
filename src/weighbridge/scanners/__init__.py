"""Scanners: what is in a file, by its bytes, and whether it may be let in.

    names ------> paths.scan_names                         every path of the tree, and shard indexes
    any file ---> content.check_content                    executables, and what is not what it is called
             '--> SCANNERS, each that takes it             no one takes it: unsupported, never clean

A scan is a function of the bytes, the name and ``RULES``. Pickles and archives are walked in a process
of their own (``sandbox``), everything else by short, bounded readers here.
"""

from __future__ import annotations

from weighbridge.scanners.safetensors import read_safetensors_header
from weighbridge.scanners.table import RULES, SCANNERS
from weighbridge.scanners.tree import scan_file, scan_tree

__all__ = ["RULES", "SCANNERS", "read_safetensors_header", "scan_file", "scan_tree"]
