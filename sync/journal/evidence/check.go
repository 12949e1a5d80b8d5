package evidence

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/wire"
)

// Checked is what a proof shows, now that its hashes and signatures were
// checked.
type Checked struct {
	Kiosk string
	Epoch [16]byte
	Index int64
	Entry journal.Entry
	Root  journal.Hash // of the tree that ends with the entry
	Head  *journal.Head
	// Witness is the portal that signed the head; "": none of the bundle did, and
	// the head is the kiosk's word alone.
	Witness string
	// Seen is when the portal's clock said it signed; zero without a witness.
	Seen time.Time
	// Bracket is the trusted time of the entry, as far as the proof has it.
	Bracket journal.Bracket
}

// Check verifies a proof against what b knows at the time now: the kiosk's
// signature of the head, the entry's place in its tree, the portal's signature
// and its time stamp, and the beacon. The error says what does not hold; what
// merely is not there (a witness, a stamp, a beacon) is no error.
func (p *Proof) Check(b *trust.Bundle, now time.Time) (*Checked, error) {
	h, err := journal.ParseHead([]byte(p.Head))
	if err != nil {
		return nil, fmt.Errorf("evidence: check a proof: %w", err)
	}
	c := &Checked{Index: p.Index, Root: journal.Hash(p.Root), Head: h}
	if c.Epoch, err = epochOf(h.Origin); err != nil {
		return nil, err
	}
	c.Kiosk, _, _ = strings.Cut(h.Origin, "/")
	if c.Entry, err = includes(h, p.Index, p.Entry, p.Inclusion); err != nil {
		return nil, err
	}
	if err := journal.CheckConsistency(hashesOf(p.Consistency), p.Index+1, h.Size, c.Root, h.Root); err != nil {
		return nil, fmt.Errorf("evidence: check a proof: %w", err)
	}
	if err := c.witness(b, now); err != nil {
		return nil, err
	}
	if err := signedBy(h, c.Kiosk, b, c.Bracket.NotAfter, now); err != nil {
		return nil, err
	}
	if p.Beacon != nil {
		if err := c.beacon(p.Beacon, b); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func includes(h *journal.Head, index int64, entry []byte, proof [][]byte) (journal.Entry, error) {
	e, err := journal.ParseEntry(entry)
	if err != nil {
		return e, fmt.Errorf("evidence: check a proof: %w", err)
	}
	if err := journal.CheckInclusion(hashesOf(proof), index, h.Size, h.Root, journal.LeafHash(entry)); err != nil {
		return e, fmt.Errorf("evidence: check a proof: %w", err)
	}
	return e, nil
}

// signedBy checks the kiosk's signature of a head: by its certificate as
// intermediary, good at the stamped time or, where nothing proves one, now.
func signedBy(h *journal.Head, kiosk string, b *trust.Bundle, stamped, now time.Time) error {
	var known []*x509.Certificate
	for _, c := range b.SealSigners {
		if trust.DeviceID(c) == kiosk {
			known = append(known, c)
		}
	}
	cert, err := h.Verify(kiosk, known...)
	if err != nil {
		return fmt.Errorf("evidence: check a head: %w", err)
	}
	at, proven := stamped, !stamped.IsZero()
	if !proven {
		at = h.Signed(kiosk).SigningTime()
	}
	if id := trust.DeviceID(cert); id != kiosk {
		return fmt.Errorf("evidence: check a head of %s: it is signed by %q: %w", kiosk, id, journal.ErrHead)
	}
	if f := b.CheckCert(cert, trust.UseDevice, at, proven, now).Worst(); f.Verdict == trust.No {
		return fmt.Errorf("evidence: check a head of %s: its certificate: %s: %w", kiosk, f.Reason, journal.ErrHead)
	}
	return nil
}

// witness looks for a portal's signature of the head. One under a name that no
// portal of the bundle signed counts for nothing; one that a portal signed and
// that is not good is an error.
func (c *Checked) witness(b *trust.Bundle, now time.Time) error {
	for _, name := range c.Head.Names() {
		if name == c.Kiosk {
			continue
		}
		cert, err := c.Head.Verify(name, b.Portals...)
		if err != nil || !trust.Listed(b.Portals, cert) {
			continue
		}
		sig := c.Head.Signed(name)
		at, err := stampOf(sig, b)
		if err != nil {
			return fmt.Errorf("evidence: check the stamp of %s: %w", name, err)
		}
		proven := !at.IsZero()
		c.Seen = sig.SigningTime()
		when := c.Seen
		if proven {
			when = at
		}
		if f := b.CheckCert(cert, trust.UsePortal, when, proven, now).Worst(); f.Verdict == trust.No {
			return fmt.Errorf("evidence: check the portal's certificate: %s: %w", f.Reason, journal.ErrHead)
		}
		c.Witness, c.Bracket.NotAfter = name, at
		return nil
	}
	return nil
}

// stampOf returns the time in a signature's time stamp, zero if it has none.
func stampOf(sig *cms.SignedData, b *trust.Bundle) (time.Time, error) {
	raw := sig.TimeStamp()
	if raw == nil {
		return time.Time{}, nil
	}
	t, err := tsp.Parse(raw)
	if err != nil {
		return time.Time{}, err
	}
	if _, err := t.Verify(sig.Imprint(), b.TSA); err != nil {
		return time.Time{}, err
	}
	return t.Time, nil
}

func (c *Checked) beacon(p *Beacon, b *trust.Bundle) error {
	e, err := includes(c.Head, p.Index, p.Entry, p.Inclusion)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(p.Signed)
	if p.Index >= c.Index || e.Kind != journal.Beacon || !bytes.Equal(e.Fields.Digest, sum[:]) {
		return fmt.Errorf("evidence: check a proof: the beacon is not that of an entry before: %w", ErrProof)
	}
	t, err := wire.ParseTime(p.Signed, b.Portals)
	if err != nil {
		return fmt.Errorf("evidence: check a proof: %w", err)
	}
	if t.Kiosk != c.Kiosk || t.Epoch != c.Epoch {
		return fmt.Errorf("evidence: check a proof: the beacon was for another journal: %w", ErrProof)
	}
	if !c.Bracket.NotAfter.IsZero() && t.When().After(c.Bracket.NotAfter) {
		return fmt.Errorf("evidence: check a proof: the beacon is after the stamp: %w", ErrProof)
	}
	c.Bracket.NotBefore = t.When()
	return nil
}
