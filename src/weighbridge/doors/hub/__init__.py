"""The Hub's protocol: any Hugging Face client, with only HF_ENDPOINT set.

/api/{models|datasets|spaces}[/{repo}[/{call}[/{revision}[/{path}]]]]      api.py
/[datasets/|spaces/]{repo}/{resolve|raw}/{revision}/{path}                 files.py

What changes something stands in write.py.
"""

from weighbridge.doors.hub.app import hub_app, is_hub_path

__all__ = ["hub_app", "is_hub_path"]
