// Package rpi3 holds the data of a Raspberry Pi 3 Model B in a cabinet; boards/rpi4 says how it is wired, which is the same.
package rpi3

import _ "embed"

// JSON is the board as data; boards/board reads it.
//
//go:embed board.json
var JSON []byte
