"""Updates of the image: bundles, slots, health after a start, the installer."""
