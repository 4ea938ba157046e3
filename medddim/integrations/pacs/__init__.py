"""A DICOM node: studies in, derived series out; and one study by DICOMweb."""

from medddim.integrations.pacs.node import Listener
from medddim.integrations.pacs.queue import Queue
from medddim.integrations.pacs.receiver import Doors
from medddim.integrations.pacs.sender import Node, Web

__all__ = ["Doors", "Listener", "Node", "Queue", "Web"]
