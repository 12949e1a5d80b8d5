// Package rpi4 holds the data of a Raspberry Pi 4 with a USB card reader and a USB receipt printer.
package rpi4

import _ "embed"

// JSON is the board as data; boards/board reads it.
//
//go:embed board.json
var JSON []byte
