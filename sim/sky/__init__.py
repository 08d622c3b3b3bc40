"""Where things are: kernels, ephemeris, sites, stations, relay orbits, shadows and windows."""
