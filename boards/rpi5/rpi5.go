// Package rpi5 holds the data of a Raspberry Pi 5 in a cabinet; experimental. Its own clock, with a battery on the socket J5, has no driver in Debian's kernel: it has a DS3231 as the others.
package rpi5

import _ "embed"

// JSON is the board as data; boards/board reads it.
//
//go:embed board.json
var JSON []byte
