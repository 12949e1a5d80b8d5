package device

import (
	"context"
	"time"
)

// Registration is how a modem stands to its network (3GPP TS 27.007, +CREG).
type Registration string

// The registrations.
const (
	NotRegistered Registration = "notRegistered"
	Searching     Registration = "searching"
	Home          Registration = "home"
	Roaming       Registration = "roaming"
	Denied        Registration = "denied"
	NoSIM         Registration = "noSIM"
	NeedsPIN      Registration = "needsPIN"
	RegUnknown    Registration = "unknown"
)

// Signal is what a modem says of its network.
type Signal struct {
	Registration Registration
	DBm          int // 0: unknown
	Operator     string
}

// SMS is a short message that came. Text and From are personal.
type SMS struct {
	From string
	Text string
	At   time.Time // the network's
}

// Modem sends and receives short messages and knows its signal.
//
// Contract: Send returns when the network has taken all parts. Where it cannot tell,
// it fails with SideEffectUnknown and does not send again. An SMS is removed from
// the modem only after Received has given it to somebody.
type Modem interface {
	Watcher
	Signal(ctx context.Context) (Signal, error)
	Send(ctx context.Context, to, text string) error
	// Received blocks until there is a message.
	Received(ctx context.Context) (SMS, error)
}
