package gm65

import (
	"bytes"
	"encoding/binary"
)

// Types of commands.
const (
	TypeRead  = 0x07
	TypeWrite = 0x08
)

// Zones are the module's settings, one byte each.
const (
	ZoneWork     = 0x0000 // light, aimer, sound, and when it reads
	ZoneTrigger  = 0x0002 // bit 0: read once, in command mode
	ZoneReadTime = 0x0006 // how long one reading may take, in 0.1 s
	ZoneTail     = 0x0060 // what ends a reading
	ZoneAIM      = 0x00D0 // bit 7: readings begin with an AIM identifier
)

// Values of ZoneWork, ZoneTail and ZoneAIM.
const (
	workCommand = 0x01 // reads when told to
	workLight   = 0x04 // light while it reads
	workAim     = 0x10 // aimer while it reads
	workSound   = 0x40 // sounds
	workLED     = 0x80 // its lamp shows that it has read
	tailCR      = 0x01
	aimOn       = 0x80
)

// Command returns the bytes of a command. n is the length of what is written
// or, for TypeRead, asked for.
//
//	7E 00  TYPE  N  ADDRESS[2]  DATA[n]  CRC[2]     CRC-16/XMODEM of TYPE to DATA
func Command(typ, n byte, zone uint16, data ...byte) []byte {
	b := []byte{0x7E, 0x00, typ, n, byte(zone >> 8), byte(zone)}
	b = append(b, data...)
	return binary.BigEndian.AppendUint16(b, CRC(b[2:]))
}

// CRC is CRC-16/XMODEM: polynomial 0x1021, from zero.
func CRC(b []byte) uint16 {
	var c uint16
	for _, x := range b {
		c ^= uint16(x) << 8
		for range 8 {
			if c&0x8000 != 0 {
				c = c<<1 ^ 0x1021
			} else {
				c <<= 1
			}
		}
	}
	return c
}

// answerHead begins the answer to a command that was obeyed.
var answerHead = []byte{0x02, 0x00, 0x00}

// CutAnswer finds the first whole answer in b and returns its data and what
// follows it.
//
//	02 00  00  N  DATA[n]  CRC[2]     CRC-16/XMODEM of 00 to DATA
func CutAnswer(b []byte) (data, after []byte, ok bool) {
	for {
		i := bytes.Index(b, answerHead)
		if i < 0 || len(b) < i+6 {
			return nil, nil, false
		}
		a := b[i:]
		end := 4 + int(a[3])
		if len(a) >= end+2 && binary.BigEndian.Uint16(a[end:]) == CRC(a[2:end]) {
			return a[4:end], a[end+2:], true
		}
		b = b[i+1:] // cut off so far, or no answer at all: perhaps one follows
	}
}
