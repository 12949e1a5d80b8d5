package wire

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
)

// Group is receipts of one batch on their way: the signature once, and of each
// receipt what the kiosk does not know.
type Group struct {
	Batch  []byte     `cbor:"1,keyasint"` // the signed batch
	Slips  []Slip     `cbor:"2,keyasint"`
	Hashes [][32]byte `cbor:"3,keyasint"` // of the subtrees of the batch that no slip is in, from left to right
}

// Slip is one receipt of a group. Doc and Digest are there only for a kiosk that
// may not have the record.
type Slip struct {
	Index  uint   `cbor:"1,keyasint"` // in the batch
	Seq    uint64 `cbor:"2,keyasint"`
	ID     uint64 `cbor:"3,keyasint,omitempty"` // of the item; decisions only
	Stage  uint8  `cbor:"4,keyasint,omitempty"` // decisions only
	Reason string `cbor:"5,keyasint,omitempty"`
	Fork   []byte `cbor:"6,keyasint,omitempty"`
	Doc    []byte `cbor:"7,keyasint,omitempty"`
	Digest []byte `cbor:"8,keyasint,omitempty"`
}

// ErrUnbuilt is wrapped by Open's error where the receipts may be good, and the
// kiosk has other records than the portal takes it to have: with Doc and Digest in
// every slip it can tell.
var ErrUnbuilt = errors.New("the receipts do not fit the records that are here")

// Kept is a receipt in the form that is stored, and what it says.
type Kept struct {
	Receipt
	ID    uint64 // of the item that brought it; 0: none
	Bytes []byte // for ParseReceipt
}

// Held returns document and digest of a record that the kiosk has; false: it has
// none of that number.
type Held func(epoch [16]byte, seq uint64) (doc, digest [32]byte, ok bool, err error)

// Groups puts stored receipts into groups, in the order in which their batches
// come first. IDs are those of the items, nil for none. Where plain is false or
// the receipt is of another epoch than the kiosk's, a slip says which document
// and digest it is about. The receipts are the portal's own and not verified.
func Groups(stored [][]byte, ids []uint64, epoch [16]byte, plain bool) ([]Group, error) {
	type part struct {
		batch batch
		tree  tree
		slips []Slip
	}
	var order []string
	parts := map[string]*part{}
	for i, b := range stored {
		w, err := parseWhole(b)
		if err != nil {
			return nil, err
		}
		p := parts[string(w.Batch)]
		if p == nil {
			p = new(part)
			if err := peek(w.Batch, &p.batch); err != nil {
				return nil, err
			}
			if err := p.batch.check(); err != nil {
				return nil, fmt.Errorf("wire: group receipts: %w", err)
			}
			p.tree = newTree(int(p.batch.Size))
			parts[string(w.Batch)] = p
			order = append(order, string(w.Batch))
		}
		var l leaf
		if err := strict(w.Leaf, &l); err != nil {
			return nil, fmt.Errorf("wire: group receipts: leaf: %w", err)
		}
		if err := p.tree.hang(int(w.Index), leafHash(w.Leaf), w.Path); err != nil {
			return nil, fmt.Errorf("wire: group receipts: %w", err)
		}
		s := Slip{Index: w.Index, Seq: l.Seq, Reason: l.Reason, Fork: l.Fork}
		if ids != nil {
			s.ID, s.Stage = ids[i], l.Stage
		}
		if plain || p.batch.Epoch != epoch {
			s.Doc, s.Digest = l.Doc[:], l.Digest[:]
		}
		p.slips = append(p.slips, s)
	}
	out := make([]Group, 0, len(order))
	for _, k := range order {
		p := parts[k]
		slices.SortFunc(p.slips, func(a, b Slip) int { return int(a.Index) - int(b.Index) })
		g := Group{Batch: []byte(k), Slips: p.slips}
		absent(span{0, p.tree.size}, g.indexes(), func(s span) bool {
			g.Hashes = append(g.Hashes, p.tree.known[s])
			return true
		})
		out = append(out, g)
	}
	return out, nil
}

func (g *Group) indexes() []int {
	at := make([]int, len(g.Slips))
	for i, s := range g.Slips {
		at[i] = int(s.Index)
	}
	return at
}

// Open verifies a group of that level against the portal certificates of the
// trust bundle, and returns its receipts as they are to be stored: the same bytes
// that the portal has. Errors wrap ErrFormat, ErrValue, ErrSigned or ErrUnbuilt, or
// are those of held.
func (g *Group) Open(level Level, portals []*x509.Certificate, held Held) ([]Kept, error) {
	b, err := openBatch(g.Batch, portals)
	if err != nil {
		return nil, err
	}
	if b.Level != level {
		return nil, fmt.Errorf("wire: open receipts of level %d, want %d: %w", b.Level, level, ErrValue)
	}
	t := newTree(int(b.Size))
	built := false // on something that only the kiosk says
	leaves := make([][]byte, len(g.Slips))
	out := make([]Kept, len(g.Slips))
	for i, s := range g.Slips {
		if s.Index >= b.Size {
			return nil, fmt.Errorf("wire: open receipts: number %d of %d: %w", s.Index, b.Size, ErrValue)
		}
		l := leaf{Seq: s.Seq, Stage: s.Stage, Reason: s.Reason, Fork: s.Fork}
		if level == Durable {
			l.Stage = StageDelivered
		}
		if s.plain() {
			l.Doc, l.Digest = [32]byte(s.Doc), [32]byte(s.Digest)
		} else {
			built = true
			var ok bool
			if l.Doc, l.Digest, ok, err = held(b.Epoch, s.Seq); err != nil {
				return nil, err
			} else if !ok {
				return nil, fmt.Errorf("wire: open receipts: no record %d: %w", s.Seq, ErrUnbuilt)
			}
		}
		if err := l.check(level); err != nil {
			return nil, fmt.Errorf("wire: open receipts: %w", err)
		}
		if leaves[i], err = encMode.Marshal(l); err != nil {
			return nil, fmt.Errorf("wire: open receipts: %w", err)
		}
		t.known[span{int(s.Index), int(s.Index) + 1}] = leafHash(leaves[i])
		out[i] = Kept{Receipt: b.receipt(l), ID: s.ID}
	}
	if err := g.complete(t); err != nil {
		return nil, err
	}
	if t.root() != b.Root {
		err = ErrSigned
		if built {
			err = ErrUnbuilt
		}
		return nil, fmt.Errorf("wire: open receipts: %w: they are not in their batch", err)
	}
	for i, s := range g.Slips {
		w := whole{Batch: g.Batch, Index: s.Index, Path: t.path(int(s.Index)), Leaf: leaves[i]}
		if out[i].Bytes, err = encMode.Marshal(w); err != nil {
			return nil, fmt.Errorf("wire: open receipts: %w", err)
		}
	}
	return out, nil
}

// complete adds the hashes to the leaves that are in t, and computes the rest.
func (g *Group) complete(t tree) error {
	left := g.Hashes
	enough := absent(span{0, t.size}, g.indexes(), func(s span) bool {
		if len(left) == 0 {
			return false
		}
		t.known[s] = left[0]
		left = left[1:]
		return true
	})
	if !enough || len(left) > 0 {
		return fmt.Errorf("wire: open receipts: %d hashes for %d of %d: %w", len(g.Hashes), len(g.Slips), t.size, ErrValue)
	}
	t.fill(span{0, t.size})
	return nil
}

// plain says whether the slip names its record.
func (s *Slip) plain() bool { return len(s.Doc) == sha256.Size }

// check looks at what needs no signature. Decisions are those that come as items.
func (g *Group) check(decisions bool) error {
	switch {
	case len(g.Batch) == 0 || len(g.Slips) == 0:
		return fmt.Errorf("a group of nothing: %w", ErrValue)
	case len(g.Hashes) >= MaxRecords:
		return fmt.Errorf("%d hashes: %w", len(g.Hashes), ErrLimit)
	}
	for i, s := range g.Slips {
		if s.Index >= MaxRecords || i > 0 && s.Index <= g.Slips[i-1].Index {
			return fmt.Errorf("receipt %d is number %d: %w", i, s.Index, ErrValue)
		}
		decided := s.Stage == StageRegistered && s.Reason == "" || s.Stage == StageRefused && s.Reason != ""
		if s.Seq == 0 || (s.ID != 0) != decisions || decided != decisions || !decisions && s.Stage != 0 {
			return fmt.Errorf("receipt %d of record %d, item %d, stage %d: %w", i, s.Seq, s.ID, s.Stage, ErrValue)
		}
		if n := len(s.Fork); n != 0 && n != sha256.Size {
			return fmt.Errorf("receipt %d with a fork of %d bytes: %w", i, n, ErrValue)
		}
		if n, m := len(s.Doc), len(s.Digest); n != m || n != 0 && n != sha256.Size {
			return fmt.Errorf("receipt %d of a document of %d bytes with a digest of %d: %w", i, n, m, ErrValue)
		}
		if err := checkName("reason", s.Reason, 0); err != nil {
			return err
		}
	}
	return nil
}
