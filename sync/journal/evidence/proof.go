package evidence

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/penjire/penjire/sync/journal"
)

// Schema is the first thing a proof file says.
const Schema = "penjire-journal-proof-1"

// MaxProof is the most bytes of a proof file.
const MaxProof = 64 << 10

// ErrProof is wrapped by every error about a proof's form.
var ErrProof = errors.New("not a journal proof")

// Proof shows what stands at one place of a kiosk's journal: the entry, that it
// is in the tree of a signed head, the root that the paper receipt of that entry
// states, and the beacon before it. It is a file of its own and needs no network
// (outbox.md, section 8).
type Proof struct {
	Schema      string   `json:"schema"`
	Index       int64    `json:"index"`
	Entry       []byte   `json:"entry"`       // as journal.Entry marshals it
	Root        []byte   `json:"root"`        // of the tree of index+1 entries
	Inclusion   [][]byte `json:"inclusion"`   // of the entry in the head's tree
	Consistency [][]byte `json:"consistency"` // of the tree of index+1 entries with the head's
	Head        string   `json:"head"`        // C2SP signed note: journal.Head
	Beacon      *Beacon  `json:"beacon,omitempty"`
}

// Beacon is the last of the portal's signed times before the entry.
type Beacon struct {
	Index     int64    `json:"index"`
	Entry     []byte   `json:"entry"`
	Inclusion [][]byte `json:"inclusion"` // in the head's tree
	Signed    []byte   `json:"signed"`    // as it came: COSE (wire.md, section 4)
}

// Log is a journal that can be read: an outbox.
type Log interface {
	Checkpoint() journal.Checkpoint
	Entry(ctx context.Context, i int64) (journal.Entry, error)
	RootAt(ctx context.Context, size int64) ([32]byte, error)
	Inclusion(ctx context.Context, index, size int64) ([][32]byte, error)
	Consistency(ctx context.Context, old, size int64) ([][32]byte, error)
}

// Prove makes the proof of entry number index. The head is the first that the
// portal has witnessed; where there is none yet, sign makes one of the journal
// as it is.
func Prove(ctx context.Context, l Log, f *Folder, index int64, sign func(journal.Checkpoint) (*journal.Head, error)) (*Proof, error) {
	now := l.Checkpoint()
	epoch, err := epochOf(now.Origin)
	if err != nil {
		return nil, err
	}
	h, err := f.HeadOver(epoch, index)
	if errors.Is(err, ErrNone) {
		h, err = sign(now)
	}
	if err != nil {
		return nil, fmt.Errorf("evidence: prove entry %d: %w", index, err)
	}
	p := &Proof{Schema: Schema, Index: index, Head: string(h.Marshal())}
	if p.Entry, p.Inclusion, err = include(ctx, l, index, h.Size); err != nil {
		return nil, err
	}
	root, err := l.RootAt(ctx, index+1)
	if err != nil {
		return nil, fmt.Errorf("evidence: prove entry %d: %w", index, err)
	}
	p.Root = root[:]
	c, err := l.Consistency(ctx, index+1, h.Size)
	if err != nil {
		return nil, fmt.Errorf("evidence: prove entry %d: %w", index, err)
	}
	p.Consistency = slicesOf(c)
	at, signed, err := f.BeaconBefore(epoch, index)
	switch {
	case errors.Is(err, ErrNone):
	case err != nil:
		return nil, err
	default:
		b := &Beacon{Index: at, Signed: signed}
		if b.Entry, b.Inclusion, err = include(ctx, l, at, h.Size); err != nil {
			return nil, err
		}
		p.Beacon = b
	}
	return p, nil
}

func include(ctx context.Context, l Log, index, size int64) ([]byte, [][]byte, error) {
	e, err := l.Entry(ctx, index)
	if err != nil {
		return nil, nil, fmt.Errorf("evidence: prove entry %d: %w", index, err)
	}
	b, err := e.Marshal()
	if err != nil {
		return nil, nil, fmt.Errorf("evidence: prove entry %d: %w", index, err)
	}
	p, err := l.Inclusion(ctx, index, size)
	if err != nil {
		return nil, nil, fmt.Errorf("evidence: prove entry %d: %w", index, err)
	}
	return b, slicesOf(p), nil
}

// Marshal returns the proof as a file.
func (p *Proof) Marshal() ([]byte, error) {
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return nil, fmt.Errorf("evidence: write a proof: %w", err)
	}
	return append(b, '\n'), nil
}

// ParseProof reads a proof file: nothing but the fields of Proof, each with the
// form it should have. It checks no hash and no signature: Check does.
func ParseProof(b []byte) (*Proof, error) {
	if len(b) > MaxProof {
		return nil, fmt.Errorf("evidence: read a proof of %d bytes, at most %d: %w", len(b), MaxProof, ErrProof)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var p Proof
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("evidence: read a proof: %w: %w", err, ErrProof)
	}
	if d.More() || p.Schema != Schema || p.Index < 0 || len(p.Root) != 32 {
		return nil, fmt.Errorf("evidence: read a proof: schema, index or root is wrong, or something follows: %w", ErrProof)
	}
	lists := [][][]byte{p.Inclusion, p.Consistency}
	if p.Beacon != nil {
		lists = append(lists, p.Beacon.Inclusion)
	}
	for _, l := range lists {
		if len(l) > 64 {
			return nil, fmt.Errorf("evidence: read a proof: %d hashes: %w", len(l), ErrProof)
		}
		for _, h := range l {
			if len(h) != 32 {
				return nil, fmt.Errorf("evidence: read a proof: a hash of %d bytes: %w", len(h), ErrProof)
			}
		}
	}
	return &p, nil
}

// origin is the origin of a kiosk's journal.
func origin(kiosk string, e [16]byte) string { return kiosk + "/" + hex.EncodeToString(e[:]) }

// epochOf reads the epoch in an origin.
func epochOf(origin string) (e [16]byte, err error) {
	_, h, ok := strings.Cut(origin, "/")
	b, err := hex.DecodeString(h)
	if !ok || err != nil || len(b) != len(e) {
		return e, fmt.Errorf("evidence: the origin %q has no epoch: %w", origin, ErrProof)
	}
	return [16]byte(b), nil
}

func slicesOf(p [][32]byte) [][]byte {
	out := make([][]byte, len(p))
	for i := range p {
		out[i] = p[i][:]
	}
	return out
}

func hashesOf(p [][]byte) []journal.Hash {
	out := make([]journal.Hash, len(p))
	for i := range p {
		out[i] = journal.Hash(p[i])
	}
	return out
}
