package sane

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/penjire/penjire/drivers/device"
)

// The calls (5.2).
const (
	callInit       = 0
	callDevices    = 1
	callOpen       = 2
	callClose      = 3
	callOptions    = 4
	callControl    = 5
	callParameters = 6
	callStart      = 7
	callCancel     = 8
	callExit       = 10
)

// version is 1.0 with revision 3 of the network protocol.
const version = 1<<24 | 3

// What an answer may hold at most. Real ones have some hundred options.
const (
	maxText = 64 << 10
	maxList = 4096
)

// request is a call being put together: words of 32 bits, most significant byte
// first (5.1).
type request struct{ b []byte }

func call(code uint32) *request { return new(request).word(code) }

func (r *request) word(v uint32) *request {
	r.b = binary.BigEndian.AppendUint32(r.b, v)
	return r
}

// text appends a string with its length, which counts the zero at its end.
func (r *request) text(s string) *request {
	r.word(uint32(len(s) + 1))
	r.b = append(append(r.b, s...), 0)
	return r
}

// answer reads what comes back. The first error stays. After a status that is not
// good the rest of an answer comes all the same, with nothing in it.
type answer struct {
	r   io.Reader
	err error
	bad error // the status, if it is not good
}

// end returns what is wrong with the answer, or with what was asked.
func (a *answer) end() error {
	if a.err != nil {
		return a.err
	}
	return a.bad
}

// good reports whether what the answer says means anything.
func (a *answer) good() bool { return a.err == nil && a.bad == nil }

func (a *answer) bytes(n int) []byte {
	if a.err != nil {
		return nil
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(a.r, b); err != nil {
		a.err = err
		return nil
	}
	return b
}

func (a *answer) word() int {
	b := a.bytes(4)
	if b == nil {
		return 0
	}
	return int(int32(binary.BigEndian.Uint32(b)))
}

// wrong notes that the answer is outside the protocol.
func (a *answer) wrong(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format+": %w", append(args, device.ErrProtocol)...)
	}
}

func (a *answer) count(most int) int {
	n := a.word()
	if n < 0 || n > most {
		a.wrong("answer has a length of %d, want at most %d", n, most)
		return 0
	}
	return n
}

func (a *answer) text() string {
	n := a.count(maxText)
	if n == 0 {
		return ""
	}
	b := a.bytes(n)
	if b == nil {
		return ""
	}
	if b[n-1] != 0 {
		a.wrong("answer has a text without an end")
		return ""
	}
	return string(b[:n-1])
}

// null reports whether a pointer points nowhere.
func (a *answer) null() bool { return a.word() != 0 }

// status reads the status that most answers begin with.
func (a *answer) status() {
	if s := a.word(); a.err == nil && s != 0 {
		a.bad = statusError(s)
	}
}

// statusError is a status that is not good (4.2.7).
type statusError int

// The statuses.
const (
	statusUnsupported statusError = 1
	statusCancelled   statusError = 2
	statusBusy        statusError = 3
	statusInvalid     statusError = 4
	statusEOF         statusError = 5
	statusJammed      statusError = 6
	statusNoDocuments statusError = 7
	statusCoverOpen   statusError = 8
	statusIO          statusError = 9
	statusNoMemory    statusError = 10
	statusDenied      statusError = 11
)

var statusWords = [...]string{
	"good", "unsupported", "cancelled", "device busy", "invalid", "end of file", "jammed", "no documents", "cover open",
	"input or output failed", "no memory", "access denied",
}

func (s statusError) Error() string {
	if s < 0 || int(s) >= len(statusWords) {
		return fmt.Sprintf("saned says status %d", int(s))
	}
	return "saned says " + statusWords[s]
}

// Is gives the statuses that callers branch on their names.
func (s statusError) Is(target error) bool {
	switch s {
	case statusUnsupported, statusInvalid, statusDenied:
		return target == device.ErrUnsupported
	case statusBusy:
		return target == device.ErrBusy
	case statusJammed:
		return target == device.ErrPaperJam
	case statusNoDocuments:
		return target == device.ErrNoPaper
	case statusCoverOpen:
		return target == device.ErrCoverOpen
	}
	return false
}
