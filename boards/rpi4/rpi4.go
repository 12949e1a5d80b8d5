// Package rpi4 holds the data of a Raspberry Pi 4 with a USB card reader and a USB
// receipt printer in a cabinet. The other Raspberry Pis are wired in the same way.
//
// «penjire board wiring rpi4» draws the wires. A wire that comes off reads as what
// is bad: door open, loop broken, power failing. Lights and buzzer are switched
// through transistors, on when high; the detector of motion is fed with 5 V and
// answers with 3.3 V. A cabinet that lacks one of these is another board. The clock
// is a DS3231 that the kernel drives, and systemd keeps the processor's watchdog
// (15 s at most).
package rpi4

import _ "embed"

// JSON is the board as data; boards/board reads it.
//
//go:embed board.json
var JSON []byte
