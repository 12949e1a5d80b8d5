// Package rpizero2w holds the data of a Raspberry Pi Zero 2 W with a hub of four sockets; experimental. boards/rpi4 says how it is wired.
package rpizero2w

import _ "embed"

// JSON is the board as data; boards/board reads it.
//
//go:embed board.json
var JSON []byte
