package outbox

import (
	"fmt"
	"time"
)

// request is the stored form of Request: identity is in the value's head, the
// state is that of the last step.
type request struct {
	Doc            []byte
	CodeHash       []byte
	Service        string
	ServiceVersion int
	Lang           string
	Lane           uint8
	Owner          []byte
	Claimed        int64
	Due            int64
	Digest         []byte
	Size           int
	Index          int64
	Root           []byte
	Steps          []step
	Receipt        PrintState
	Copy           PrintState
	Copies         int
	Durable        []byte
	Decided        []byte
	Item           uint64
	Lost           bool   // the sealed bytes did not survive a salvage
	ReceiptJob     uint64 // of the print that is queued or printing
	CopyJob        uint64
	Marked         uint8 // bits: that paper is a further one
	Sent           int64 // of a large one, what the portal said that it has
}

type step struct {
	State State
	At    int64
}

func (r *request) state() State { return r.Steps[len(r.Steps)-1].State }

func (r *request) receipted() bool { return len(r.Durable) > 0 || len(r.Decided) > 0 }

// waits reports whether the portal still has to get it.
func (r *request) waits() bool { return !r.receipted() && r.state() != Withdrawn }

// large reports whether the sealed bytes stand in a file of their own.
func (r *request) large() bool { return r.Size > MaxInline }

func (r *request) enter(s State, at time.Time) {
	r.Steps = append(r.Steps, step{State: s, At: at.UnixMilli()})
}

func (r *request) valid() error {
	switch {
	case len(r.Doc) != 32 || len(r.Digest) != 32 || len(r.Root) != 32:
		return fmt.Errorf("a digest is not 32 bytes")
	case len(r.CodeHash) != 0 && len(r.CodeHash) != 16, len(r.Owner) != 0 && len(r.Owner) != 16:
		return fmt.Errorf("a pseudonym is not 16 bytes")
	case !printable(r.Service, 1, maxService), !printable(r.Lang, 0, maxLang):
		return fmt.Errorf("service or language is not a short name")
	case r.ServiceVersion < 0 || r.Size < 1 || r.Size > MaxSealed || r.Index < 0 || r.Copies < 0:
		return fmt.Errorf("a number is out of its range")
	case r.Sent < 0 || r.Sent > int64(r.Size) || r.Sent > 0 && !r.large():
		return fmt.Errorf("sent %d of %d bytes", r.Sent, r.Size)
	case len(r.Durable) > MaxReceipt || len(r.Decided) > MaxReceipt:
		return fmt.Errorf("a receipt is larger than %d bytes", MaxReceipt)
	case len(r.Steps) == 0:
		return fmt.Errorf("no state")
	case r.Receipt > Failed || r.Copy > Failed:
		return fmt.Errorf("unknown print state")
	case r.Receipt.open() != (r.ReceiptJob != 0), r.Copy.open() != (r.CopyJob != 0):
		return fmt.Errorf("a print and its job do not go together")
	case r.Marked&^(PrintReceipt|PrintCopy) != 0,
		r.Marked&PrintReceipt != 0 && !r.Receipt.open(), r.Marked&PrintCopy != 0 && !r.Copy.open():
		return fmt.Errorf("a mark without a print")
	}
	for i, s := range r.Steps {
		if s.State < Accepted || s.State > Withdrawn {
			return fmt.Errorf("unknown state %d", s.State)
		}
		if i > 0 && !r.Steps[i-1].State.leads(s.State) {
			return fmt.Errorf("%v after %v", s.State, r.Steps[i-1].State)
		}
	}
	if r.Steps[0].State != Accepted {
		return fmt.Errorf("begins as %v", r.Steps[0].State)
	}
	return nil
}

// leads reports whether a request may go from s to t. Receipts and items may
// arrive in any order; what is known never becomes less.
func (s State) leads(t State) bool {
	switch s {
	case Accepted:
		return t != Accepted
	case Sending:
		return t != Accepted && t != Sending && t != Withdrawn
	case Delivered:
		return t == Registered || t == Refused || t == Answered || t == Returned
	case Registered:
		return t == Refused || t == Answered || t == Returned
	case Refused, Answered, Returned:
		return t != s && (t == Refused || t == Answered || t == Returned)
	default:
		return false
	}
}

func (r *request) public(epoch Epoch, seq uint64) Request {
	p := Request{
		Epoch: epoch, Seq: seq, Doc: Doc(r.Doc),
		Service: r.Service, ServiceVersion: r.ServiceVersion, Lang: r.Lang, Lane: r.Lane,
		Claimed: fromMilli(r.Claimed), Due: fromMilli(r.Due),
		SealedDigest: [32]byte(r.Digest), Size: r.Size, Sent: r.Sent,
		Index: r.Index, TreeSize: r.Index + 1, Root: [32]byte(r.Root),
		State: r.state(), Steps: make([]Step, len(r.Steps)),
		Receipt: r.Receipt, Copy: r.Copy, Copies: r.Copies,
		DurableReceipt: r.Durable, DecidedReceipt: r.Decided, Item: r.Item,
	}
	copy(p.Owner[:], r.Owner)
	for i, s := range r.Steps {
		p.Steps[i] = Step{State: s.State, At: fromMilli(s.At)}
	}
	return p
}
