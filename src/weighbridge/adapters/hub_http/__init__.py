"""A Hub over HTTP: huggingface.co, a mirror, or another Weighbridge.

hub         the port's methods, one request each
answers     the Hub's JSON, read without trust, to the nouns of the domain
finding     a page of the list of models
stream      the bytes of one file; heals a cut connection by Range
asking      one question: redirects by rule, credentials by origin, retries by patience
refusals    an answer that says no, as the error that it means
patience    how often and how long to wait
wire        one exchange over a pooled connection
contact     when the Hub was last heard of
addresses   origins, proxies, certificates
"""

from weighbridge.adapters.hub_http.contact import Contact
from weighbridge.adapters.hub_http.hub import HttpHub
from weighbridge.adapters.hub_http.patience import Patience

__all__ = ["Contact", "HttpHub", "Patience"]
