// The hall plan: pan, zoom, choose and draw booths.
