package pcsc

import "fmt"

// Code is what pcscd answers a command with. It is an error unless it is OK.
type Code uint32

// The codes that pcscd gives (pcsclite.h).
const (
	OK                Code = 0
	InternalError     Code = 0x80100001
	Cancelled         Code = 0x80100002
	InvalidHandle     Code = 0x80100003
	InvalidParameter  Code = 0x80100004
	NoMemory          Code = 0x80100006
	ShortBuffer       Code = 0x80100008
	UnknownReader     Code = 0x80100009
	TimedOut          Code = 0x8010000A
	SharingViolation  Code = 0x8010000B
	NoSmartcard       Code = 0x8010000C
	ProtocolMismatch  Code = 0x8010000F
	NotReady          Code = 0x80100010
	InvalidValue      Code = 0x80100011
	SystemCancelled   Code = 0x80100012
	CommError         Code = 0x80100013
	NotTransacted     Code = 0x80100016
	ReaderUnavailable Code = 0x80100017
	NoService         Code = 0x8010001D
	ServiceStopped    Code = 0x8010001E
	NoReaders         Code = 0x8010002E
	UnsupportedCard   Code = 0x80100065
	UnresponsiveCard  Code = 0x80100066
	UnpoweredCard     Code = 0x80100067
	ResetCard         Code = 0x80100068
	RemovedCard       Code = 0x80100069
)

// meanings says in English what the codes mean.
var meanings = map[Code]string{
	OK: "no error", InternalError: "internal error", Cancelled: "cancelled", InvalidHandle: "invalid handle",
	InvalidParameter: "invalid parameter", NoMemory: "out of memory", ShortBuffer: "answer does not fit",
	UnknownReader: "no such reader", TimedOut: "timed out", SharingViolation: "another program has the card",
	NoSmartcard: "no card", ProtocolMismatch: "card does not speak the protocol asked for", NotReady: "not ready",
	InvalidValue: "invalid value", SystemCancelled: "service is shutting down", CommError: "communication error",
	NotTransacted: "exchange failed", ReaderUnavailable: "reader is gone", NoService: "no service",
	ServiceStopped: "service speaks another version", NoReaders: "no readers", UnsupportedCard: "card is not supported",
	UnresponsiveCard: "card does not respond", UnpoweredCard: "card has no power", ResetCard: "another program has reset the card",
	RemovedCard: "card was removed",
}

// Error implements error.
func (c Code) Error() string {
	if m, ok := meanings[c]; ok {
		return fmt.Sprintf("pcscd answers %08X, %s", uint32(c), m)
	}
	return fmt.Sprintf("pcscd answers %08X", uint32(c))
}

// orNil returns c as an error, nil for OK.
func (c Code) orNil() error {
	if c == OK {
		return nil
	}
	return c
}
