package wire

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Level says how much a receipt confirms.
type Level uint8

// The levels; the numbers are signed.
const (
	Durable Level = 1 // the portal has the record on disk; the kiosk may let it go
	Decided Level = 2 // the portal opened it and registered or refused it
)

// Receipt is what the portal confirms about one record (ED-25: a receipt names
// the document and who confirms). Its signature is over many at once: the first
// five fields are those of the batch, the others those of its leaf.
type Receipt struct {
	Level     Level
	Kiosk     string
	Epoch     [16]byte
	At        int64 // portal time
	Confirmer string

	Seq    uint64
	Doc    [32]byte
	Digest [32]byte // SHA-256 of the sealed bytes
	Stage  uint8    // StageDelivered; StageRegistered or StageRefused
	Reason string   // of a refusal
	Fork   []byte   // digest of another record with the same number: the kiosk has a clone
}

// When returns At as a time.
func (r Receipt) When() time.Time { return time.Unix(r.At, 0).UTC() }

// batch is what the portal signs: what is common to up to MaxRecords receipts,
// and the root of the RFC 6962 tree whose leaves are what each says.
type batch struct {
	Level     Level    `cbor:"1,keyasint"`
	Kiosk     string   `cbor:"2,keyasint"`
	Epoch     [16]byte `cbor:"3,keyasint"`
	At        int64    `cbor:"4,keyasint"`
	Confirmer string   `cbor:"5,keyasint"`
	Size      uint     `cbor:"6,keyasint"`
	Root      [32]byte `cbor:"7,keyasint"`
}

// leaf is what a receipt says of its record.
type leaf struct {
	Seq    uint64   `cbor:"1,keyasint"`
	Doc    [32]byte `cbor:"2,keyasint"`
	Digest [32]byte `cbor:"3,keyasint"`
	Stage  uint8    `cbor:"4,keyasint"`
	Reason string   `cbor:"5,keyasint,omitempty"`
	Fork   []byte   `cbor:"6,keyasint,omitempty"`
}

// whole is the stored form of one receipt: it needs nothing beside it.
type whole struct {
	_     struct{} `cbor:",toarray"`
	Batch []byte   // the signed batch
	Index uint     // of the leaf
	Path  []hash   // RFC 6962 inclusion proof, from the leaf up
	Leaf  []byte
}

// hash is a hash of the tree.
type hash = [32]byte

func (r Receipt) batch() batch {
	return batch{Level: r.Level, Kiosk: r.Kiosk, Epoch: r.Epoch, At: r.At, Confirmer: r.Confirmer}
}

func (r Receipt) leaf() leaf {
	return leaf{Seq: r.Seq, Doc: r.Doc, Digest: r.Digest, Stage: r.Stage, Reason: r.Reason, Fork: r.Fork}
}

// receipt puts together what the batch and one of its leaves say.
func (b batch) receipt(l leaf) Receipt {
	return Receipt{
		Level: b.Level, Kiosk: b.Kiosk, Epoch: b.Epoch, At: b.At, Confirmer: b.Confirmer,
		Seq: l.Seq, Doc: l.Doc, Digest: l.Digest, Stage: l.Stage, Reason: l.Reason, Fork: l.Fork,
	}
}

func (b batch) check() error {
	if b.Level != Durable && b.Level != Decided || b.Epoch == ([16]byte{}) || b.At <= 0 {
		return fmt.Errorf("batch of level %d at %d: %w", b.Level, b.At, ErrValue)
	}
	if b.Size == 0 || b.Size > MaxRecords {
		return fmt.Errorf("batch of %d receipts: %w", b.Size, ErrValue)
	}
	if err := checkName("kiosk", b.Kiosk, 1); err != nil {
		return err
	}
	return checkName("confirmer", b.Confirmer, 1)
}

func (l leaf) check(level Level) error {
	switch {
	case level == Durable && l.Stage == StageDelivered && l.Reason == "":
	case level == Decided && l.Stage == StageRegistered && l.Reason == "":
	case level == Decided && l.Stage == StageRefused && l.Reason != "":
	default:
		return fmt.Errorf("level %d at stage %d with reason %q: %w", level, l.Stage, l.Reason, ErrValue)
	}
	if l.Seq == 0 {
		return fmt.Errorf("sequence 0: %w", ErrValue)
	}
	if len(l.Fork) != 0 && len(l.Fork) != sha256.Size {
		return fmt.Errorf("fork of %d bytes: %w", len(l.Fork), ErrValue)
	}
	return checkName("reason", l.Reason, 0)
}

// SignReceipts signs receipts of one batch with the portal's receipt key, once,
// and returns each with what proves that it is in the batch. They agree in level,
// kiosk, epoch, time and confirmer.
func SignReceipts(rs []Receipt, key crypto.Signer, cert *x509.Certificate) ([][]byte, error) {
	if len(rs) == 0 || len(rs) > MaxRecords {
		return nil, fmt.Errorf("wire: sign %d receipts: %w", len(rs), ErrLimit)
	}
	b := rs[0].batch()
	leaves, hashes := make([][]byte, len(rs)), make([]hash, len(rs))
	for i, r := range rs {
		if r.batch() != b {
			return nil, fmt.Errorf("wire: sign receipts: number %d is of another batch: %w", i, ErrValue)
		}
		err := r.leaf().check(b.Level)
		if err == nil {
			leaves[i], err = encMode.Marshal(r.leaf())
		}
		if err != nil {
			return nil, fmt.Errorf("wire: sign receipts: number %d: %w", i, err)
		}
		hashes[i] = leafHash(leaves[i])
	}
	t := fullTree(hashes)
	b.Size, b.Root = uint(len(rs)), t.root()
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("wire: sign receipts: %w", err)
	}
	signed, err := sign("receipts", contextBatch, b, key, cert)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(rs))
	for i := range rs {
		if out[i], err = encMode.Marshal(whole{Batch: signed, Index: uint(i), Path: t.path(i), Leaf: leaves[i]}); err != nil {
			return nil, fmt.Errorf("wire: sign receipts: number %d: %w", i, err)
		}
	}
	return out, nil
}

// SignReceipt is SignReceipts for a batch of one.
func SignReceipt(r Receipt, key crypto.Signer, cert *x509.Certificate) ([]byte, error) {
	out, err := SignReceipts([]Receipt{r}, key, cert)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// ParseReceipt verifies a receipt against the portal certificates of the trust
// bundle. It needs nothing else. Errors wrap ErrFormat, ErrValue or ErrSigned.
func ParseReceipt(b []byte, portals []*x509.Certificate) (Receipt, error) {
	w, err := parseWhole(b)
	if err != nil {
		return Receipt{}, err
	}
	bt, err := openBatch(w.Batch, portals)
	if err != nil {
		return Receipt{}, err
	}
	var l leaf
	if err := strict(w.Leaf, &l); err != nil {
		return Receipt{}, fmt.Errorf("wire: parse receipt: leaf: %w", err)
	}
	if err := l.check(bt.Level); err != nil {
		return Receipt{}, fmt.Errorf("wire: parse receipt: %w", err)
	}
	if w.Index >= bt.Size {
		return Receipt{}, fmt.Errorf("wire: parse receipt: number %d of %d: %w", w.Index, bt.Size, ErrValue)
	}
	path := make(tlog.RecordProof, len(w.Path))
	for i, h := range w.Path {
		path[i] = tlog.Hash(h)
	}
	if err := tlog.CheckRecord(path, int64(bt.Size), tlog.Hash(bt.Root), int64(w.Index), tlog.Hash(leafHash(w.Leaf))); err != nil {
		return Receipt{}, fmt.Errorf("wire: parse receipt: %w: it is not in its batch: %v", ErrSigned, err)
	}
	return bt.receipt(l), nil
}

// IsReceipt says whether b looks like a stored receipt: worth ParseReceipt.
func IsReceipt(b []byte) bool {
	_, err := parseWhole(b)
	return err == nil
}

func parseWhole(b []byte) (whole, error) {
	var w whole
	if err := strict(b, &w); err != nil {
		return w, fmt.Errorf("wire: parse receipt: %w", err)
	}
	if len(w.Path) > maxPath {
		return w, fmt.Errorf("wire: parse receipt: path of %d hashes: %w", len(w.Path), ErrValue)
	}
	return w, nil
}

func openBatch(b []byte, portals []*x509.Certificate) (batch, error) {
	var bt batch
	if err := open("receipt", contextBatch, b, portals, &bt); err != nil {
		return bt, err
	}
	if err := bt.check(); err != nil {
		return bt, fmt.Errorf("wire: parse receipt: %w", err)
	}
	return bt, nil
}

// strict reads the one encoding of v, a pointer.
func strict(b []byte, v any) error {
	if err := decMode.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %v", ErrFormat, err)
	}
	if again, err := encMode.Marshal(v); err != nil || !bytes.Equal(again, b) {
		return fmt.Errorf("%w: not the one encoding", ErrFormat)
	}
	return nil
}
