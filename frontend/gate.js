// The gate page: camera, keyboard-wedge scanner, offline queue.
