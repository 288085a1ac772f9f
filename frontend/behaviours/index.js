// Small behaviours of the kit, each its own module.
