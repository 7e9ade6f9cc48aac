"""From a stick or a folder to an installed site."""
