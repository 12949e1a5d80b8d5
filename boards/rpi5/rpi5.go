// Package rpi5 holds the data of a Raspberry Pi 5 in a cabinet; experimental. Its clock is its own: a battery goes on the socket J5.
package rpi5

import _ "embed"

// JSON is the board as data; boards/board reads it.
//
//go:embed board.json
var JSON []byte
