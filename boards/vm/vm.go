// Package vm holds the data of a virtual machine with its devices on serial ports.
package vm

import _ "embed"

// JSON is the board as data; boards/board reads it.
//
//go:embed board.json
var JSON []byte
