"""The Hub's protocol, read side: any Hugging Face client, with only HF_ENDPOINT set.

/api/{models|datasets|spaces}[/{repo}[/{call}[/{revision}[/{path}]]]]      api.py
/[datasets/|spaces/]{repo}/{resolve|raw}/{revision}/{path}                 files.py
"""

from weighbridge.doors.hub.app import hub_app, is_hub_path

__all__ = ["hub_app", "is_hub_path"]
