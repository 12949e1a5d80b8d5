package iso7816

import (
	"errors"
	"fmt"

	"github.com/penjire/penjire/drivers/device"
)

// SW is a card's two status bytes.
type SW uint16

// Status words that drivers branch on.
const (
	OK              SW = 0x9000
	WrongLength     SW = 0x6700
	SecurityStatus  SW = 0x6982 // wants a PIN first
	AuthBlocked     SW = 0x6983
	ConditionsUnmet SW = 0x6985
	WrongData       SW = 0x6A80
	NotFound        SW = 0x6A82
	WrongP1P2       SW = 0x6A86
	NoReference     SW = 0x6A88
	NoInstruction   SW = 0x6D00
	NoClass         SW = 0x6E00
	Failure         SW = 0x6F00
)

// TriesLeft returns n when s is 63Cn: verification failed, n tries left.
func (s SW) TriesLeft() (n int, ok bool) {
	if s&0xFFF0 == 0x63C0 {
		return int(s & 0xF), true
	}
	return 0, false
}

// More returns how many bytes wait when s is 61xx (256 for 6100).
func (s SW) More() (n int, ok bool) { return countIn(s, 0x6100) }

// RightLe returns the Le that the card wants when s is 6Cxx.
func (s SW) RightLe() (n int, ok bool) { return countIn(s, 0x6C00) }

func countIn(s, kind SW) (int, bool) {
	if s&0xFF00 != kind {
		return 0, false
	}
	if n := int(s & 0xFF); n != 0 {
		return n, true
	}
	return 256, true
}

// Kind is what a status word says of the command as a whole.
type Kind int

// The kinds (ISO/IEC 7816-4, 5.6).
const (
	Normal         Kind = 1 // 9000, 61xx
	Warning        Kind = 2 // 62xx, 63xx: carried out, with a reservation
	ExecutionError Kind = 3 // 64xx, 65xx, 66xx: given up while it was carried out
	CheckingError  Kind = 4 // 67xx to 6Fxx: not begun
	Proprietary    Kind = 5 // 9xxx but 9000: the card's maker knows
)

// Kind returns the kind of s.
func (s SW) Kind() Kind {
	switch hi := s >> 8; {
	case s == OK, hi == 0x61:
		return Normal
	case hi == 0x62, hi == 0x63:
		return Warning
	case hi >= 0x64 && hi <= 0x66:
		return ExecutionError
	case hi >= 0x67 && hi <= 0x6F:
		return CheckingError
	}
	return Proprietary
}

// Effect says whether a command that was answered with s may have changed what
// the card keeps (ISO/IEC 7816-4, table 6).
func (s SW) Effect() device.SideEffect {
	switch hi := s >> 8; {
	case s == Failure, s.Kind() == Proprietary, hi == 0x66:
		return device.SideEffectUnknown
	case hi == 0x64, s.Kind() == CheckingError:
		return device.SideEffectNo
	}
	return device.SideEffectYes
}

// words says in English what the status words of ISO/IEC 7816-4, tables 6 and
// 7, mean.
var words = map[SW]string{
	0x6200: "warning", 0x6281: "part of the data may be corrupted", 0x6282: "end of file before Le",
	0x6283: "selected file is deactivated", 0x6284: "control information is not well formed",
	0x6285: "selected file is terminated", 0x6286: "no input from a sensor", 0x6287: "a record is deactivated",
	0x6300: "verification failed", 0x6381: "file was filled up by this write",
	0x6400: "execution error", 0x6401: "card wants an immediate answer", 0x6481: "logical channel is not to be shared",
	0x6482: "logical channel is not to be opened", 0x6500: "execution error, something was changed", 0x6581: "memory failure",
	0x6600: "security error", WrongLength: "wrong length", 0x6701: "form of the command is not in the standard", 0x6702: "unexpected Lc",
	0x6800: "function in CLA not supported", 0x6881: "logical channels not supported",
	0x6882: "secure messaging not supported", 0x6883: "last command of the chain expected", 0x6884: "command chaining not supported",
	0x6900: "command not allowed", 0x6981: "command does not fit the structure of the file",
	SecurityStatus: "security status not satisfied", AuthBlocked: "authentication method blocked",
	0x6984: "reference data not usable", ConditionsUnmet: "conditions of use not satisfied", 0x6986: "no current file",
	0x6987: "secure messaging objects missing", 0x6988: "secure messaging objects incorrect",
	0x6A00: "wrong parameters", WrongData: "incorrect data", 0x6A81: "function not supported", NotFound: "not found",
	0x6A83: "record not found", 0x6A84: "no memory left", 0x6A85: "length does not fit the data objects", WrongP1P2: "incorrect P1 or P2",
	0x6A87: "length does not fit P1 and P2", NoReference: "reference data not found", 0x6A89: "file exists already",
	0x6A8A: "application name exists already", 0x6B00: "wrong P1 or P2", NoInstruction: "instruction not supported",
	NoClass: "class not supported", Failure: "no precise diagnosis",
}

// String returns the status word in digits and, where known, in English.
func (s SW) String() string {
	if w, ok := words[s]; ok {
		return fmt.Sprintf("%04X %s", uint16(s), w)
	}
	if n, ok := s.TriesLeft(); ok {
		return fmt.Sprintf("%04X verification failed, %d tries left", uint16(s), n)
	}
	if n, ok := s.More(); ok {
		return fmt.Sprintf("%04X %d bytes more", uint16(s), n)
	}
	if n, ok := s.RightLe(); ok {
		return fmt.Sprintf("%04X wrong Le, %d is right", uint16(s), n)
	}
	return fmt.Sprintf("%04X", uint16(s))
}

// StatusError is a card's refusal: the exchange itself went well.
type StatusError struct {
	Ins byte
	SW  SW
}

// Error implements error.
func (e *StatusError) Error() string {
	return fmt.Sprintf("card refused command %02X: %v", e.Ins, e.SW)
}

// StatusOf returns the status word in err's chain, or 0 when err is no refusal.
func StatusOf(err error) SW {
	if e, ok := errors.AsType[*StatusError](err); ok {
		return e.SW
	}
	return 0
}
