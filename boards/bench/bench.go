// Package bench holds the data of the bench: emulated devices at the far ends of pseudo-terminals.
package bench

import _ "embed"

// JSON is the board as data; boards/board reads it.
//
//go:embed board.json
var JSON []byte
