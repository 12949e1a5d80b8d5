package iso7816

import (
	"errors"
	"fmt"
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

// words says in English what the known status words mean.
var words = map[SW]string{
	0x6281: "part of the data may be corrupted", 0x6282: "end of file before Le",
	0x6300: "verification failed", 0x6581: "memory failure",
	WrongLength: "wrong length", 0x6881: "logical channels not supported",
	0x6882: "secure messaging not supported", 0x6883: "last command of the chain expected",
	0x6884: "command chaining not supported", SecurityStatus: "security status not satisfied",
	AuthBlocked: "authentication method blocked", 0x6984: "reference data not usable",
	ConditionsUnmet: "conditions of use not satisfied", 0x6986: "command not allowed",
	WrongData: "incorrect data", 0x6A81: "function not supported", NotFound: "not found",
	0x6A84: "no memory left", WrongP1P2: "incorrect P1 or P2", NoReference: "reference data not found",
	0x6B00: "wrong P1 or P2", NoInstruction: "instruction not supported",
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
