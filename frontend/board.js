// The pipeline board: move an opportunity by drag or by keyboard.
