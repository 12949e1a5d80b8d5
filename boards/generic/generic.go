// Package generic holds the data of hardware that no other board describes. Its report (penjire board ls) is what a new board is written from.
package generic

import _ "embed"

// JSON is the board as data; boards/board reads it.
//
//go:embed board.json
var JSON []byte
