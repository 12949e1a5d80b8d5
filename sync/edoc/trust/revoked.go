package trust

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/dcbor"
)

// KindRevokedSeals is the portal's list of seals that its agencies revoked,
// signed by the portal. It is newer than the bundle's, which only the register
// signs; what either revokes is revoked.
const KindRevokedSeals = "revoked-seals"

// maxRevokedSeals bounds a list: 16 bytes each.
const maxRevokedSeals = 1 << 18

// RevokedSeals is the list. It does not change once made.
type RevokedSeals struct {
	Version uint64
	Issued  time.Time  // whole seconds
	IDs     [][16]byte // of seals, sorted, none twice
}

type wireRevokedSeals struct {
	Version uint64   `cbor:"1,keyasint"`
	Issued  int64    `cbor:"2,keyasint"`
	IDs     [][]byte `cbor:"3,keyasint"`
}

// Has reports whether the list revokes the seal. A nil list revokes none.
func (l *RevokedSeals) Has(id [16]byte) bool {
	if l == nil {
		return false
	}
	_, found := slices.BinarySearchFunc(l.IDs, id, compareIDs)
	return found
}

func compareIDs(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) }

// Sign returns the list as a signed object. s is a portal's; the signing time is
// the list's. The ids may be in any order.
func (l *RevokedSeals) Sign(s cms.Signer) ([]byte, error) {
	ids := slices.Clone(l.IDs)
	slices.SortFunc(ids, compareIDs)
	w := wireRevokedSeals{Version: l.Version, Issued: l.Issued.Unix(), IDs: [][]byte{}}
	for _, id := range slices.Compact(ids) {
		w.IDs = append(w.IDs, id[:])
	}
	payload, err := dcbor.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("trust: sign revoked seals: %w", err)
	}
	return SignObjectAt(KindRevokedSeals, payload, s, l.Issued)
}

// ErrOlderList is wrapped when a list is older than the newest one known.
var ErrOlderList = errors.New("it is older than the one in force")

// ParseRevokedSeals reads a signed list: its signer is a portal that b lists,
// the time of signing is the list's, and the version is at least least.
func ParseRevokedSeals(signed []byte, b *Bundle, least uint64) (*RevokedSeals, error) {
	payload, _, err := OpenObject(KindRevokedSeals, signed, b)
	if err != nil {
		return nil, err
	}
	l, err := readRevokedSeals(payload, least)
	if err == nil {
		err = l.signedAt(signed)
	}
	if err != nil {
		return nil, fmt.Errorf("trust: open %s: %w", KindRevokedSeals, err)
	}
	return l, nil
}

// signedAt checks that the list was signed when it says it was issued: a portal
// whose certificate has ended cannot issue one today.
func (l *RevokedSeals) signedAt(signed []byte) error {
	o, err := readObject(KindRevokedSeals, signed)
	if err != nil {
		return err
	}
	if !o.at.Equal(l.Issued) {
		return errors.New("it was not signed when it was issued")
	}
	return nil
}

func readRevokedSeals(payload []byte, least uint64) (*RevokedSeals, error) {
	var w wireRevokedSeals
	if err := dcbor.Unmarshal(payload, &w); err != nil {
		return nil, err
	}
	switch {
	case w.Version == 0 || w.Issued <= 0:
		return nil, errors.New("it has no version or no date")
	case w.Version < least:
		return nil, ErrOlderList
	case len(w.IDs) > maxRevokedSeals:
		return nil, fmt.Errorf("got %d ids, want at most %d", len(w.IDs), maxRevokedSeals)
	}
	l := &RevokedSeals{Version: w.Version, Issued: time.Unix(w.Issued, 0).UTC()}
	for i, b := range w.IDs {
		if len(b) != 16 {
			return nil, fmt.Errorf("an id has %d bytes, want 16", len(b))
		}
		id := [16]byte(b)
		if i > 0 && compareIDs(l.IDs[i-1], id) >= 0 {
			return nil, errors.New("its ids are not in order")
		}
		l.IDs = append(l.IDs, id)
	}
	return l, nil
}
