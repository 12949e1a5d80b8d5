// Package rpi4 holds the data of a Raspberry Pi 4 with a USB card reader and a USB receipt printer in a cabinet.
//
// # Wiring of the header
//
//	GPIO17 (pin 11)  door switch to ground, closed while the door is shut
//	GPIO27 (pin 13)  tamper loop to ground, closed while nobody had a hand in it
//	GPIO22 (pin 15)  motion detector (PIR) of 3.3 V, high while somebody is there
//	GPIO6  (pin 31)  power-good signal of the supply, 3.3 V, high while it is good
//	GPIO5  (pin 29)  light at the card reader      GPIO12 (pin 32)  light at the printer
//	GPIO13 (pin 33)  light «in service»            GPIO16 (pin 36)  light «out of service»
//	GPIO26 (pin 37)  buzzer; lights and buzzer through a transistor, on when high
//	GPIO2, GPIO3     DS3231 clock, driven by the kernel: dtoverlay=i2c-rtc,ds3231
//
// A wire that comes off reads as what is bad: door open, loop broken, power
// failing. A cabinet that lacks one of these is another board. The watchdog is the
// processor's own (15 s at most) and must not be systemd's too (RuntimeWatchdogSec).
package rpi4

import _ "embed"

// JSON is the board as data; boards/board reads it.
//
//go:embed board.json
var JSON []byte
