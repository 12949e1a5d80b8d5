// Package pc holds the data of a PC with its devices on USB. It has no pins: what a cabinet has around it needs an I/O board (drivers/firmata).
package pc

import _ "embed"

// JSON is the board as data; boards/board reads it.
//
//go:embed board.json
var JSON []byte
