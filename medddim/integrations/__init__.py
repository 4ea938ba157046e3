"""medddim inside what people already run; each part imports its library when it is used."""
