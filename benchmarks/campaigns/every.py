"""All campaigns by name."""

from __future__ import annotations

from campaigns.campaign import Campaign
from campaigns.edits import Edits
from campaigns.faults import Faults
from campaigns.files import Files
from campaigns.images import Images
from campaigns.layers import Layers
from campaigns.malicious import Malicious
from campaigns.person import Person

CAMPAIGNS: dict[str, type[Campaign]] = {
    campaign.name: campaign for campaign in (Images, Edits, Layers, Files, Faults, Malicious, Person)
}
