"""Two people on two rigs of other proportions: contacts kept, feet planted. numpy only."""

from .contacts import Contact, contact_distance, find_contacts
from .transfer import PairKeys, retarget_pair

__all__ = ["Contact", "PairKeys", "contact_distance", "find_contacts", "retarget_pair"]
