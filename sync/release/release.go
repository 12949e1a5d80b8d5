// Package release describes an update of kiosks' software: for which board, which
// build, how large, by which digests, for how wide a ring. A description is signed
// apart from the bundle that it describes (a RAUC bundle, which carries a signature
// of its own): both must hold before a kiosk installs anything. The rules are in
// sync/spec/release.md.
//
// Whom a kiosk believes begins with roots that stand in its image. Their keys are
// kept off every network and sign two things: the certificates of release keys, and
// [KeyList]s, which revoke release keys and announce the next root. Package trust has
// another hierarchy: whoever takes the portal's or the register's key can install
// nothing.
//
// It touches no network and no disk, and does not install.
package release

import (
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/dcbor"
)

// Ring says how far a release may go. The numbers are signed and sent.
type Ring uint8

// The rings, from the narrowest to the widest. A release goes to a ring after it
// has gone to those inside it.
const (
	Lab   Ring = 1 // kiosks that serve no citizen
	Pilot Ring = 2 // a few telecentres that know of it
	Broad Ring = 3 // all others
)

// Rings are all rings, the narrowest first.
var Rings = []Ring{Lab, Pilot, Broad}

var ringNames = map[Ring]string{Lab: "lab", Pilot: "pilot", Broad: "broad"}

// String returns the ring's name.
func (r Ring) String() string {
	if s, ok := ringNames[r]; ok {
		return s
	}
	return fmt.Sprintf("ring %d", uint8(r))
}

// ParseRing reads a ring's name.
func ParseRing(s string) (Ring, error) {
	for r, name := range ringNames {
		if name == s {
			return r, nil
		}
	}
	return 0, fmt.Errorf("release: ring %q: want lab, pilot or broad", s)
}

// Formats are the forms of the kiosk's data that a release can work with.
type Formats struct {
	Min, Max uint32 // both included; 1 at least
}

// Has reports whether f is among them.
func (f Formats) Has(n uint32) bool { return f.Min <= n && n <= f.Max }

// Release is what is signed of one build for one board.
type Release struct {
	Board   string // as in boards: rpi4
	Version string // for people: 0.6.2
	Build   uint64 // rises with every release of a board: which one is newer
	Formats Formats
	Content Content   // the bundle
	Room    int64     // bytes that it takes in a slot
	Ring    Ring      // the widest that it may reach; the portal may stop before
	By      time.Time // from then on a kiosk waits for no quiet hours; zero: never
	Issued  time.Time // whole seconds, UTC

	signed []byte // as Open read it
}

// Limits of a description. Its bytes come from a memory stick too.
const (
	MaxSigned = 512 << 10
	MaxBundle = 4 << 30
	maxName   = 40
)

// Errors that a caller tells apart. Each is one class of refusal.
var (
	ErrForm      = errors.New("release: it is no description of a release")
	ErrSignature = errors.New("release: it is signed by nobody who may sign a release")
	ErrRevoked   = errors.New("release: the key that it is signed with was revoked")
	ErrCorrupt   = errors.New("release: the bundle is not the one that is described")
)

// domain keeps a signature of a release from being one of anything else.
const domain = "penjire-release/1"

type wireRelease struct {
	Board   string   `cbor:"1,keyasint"`
	Version string   `cbor:"2,keyasint"`
	Build   uint64   `cbor:"3,keyasint"`
	Formats []uint32 `cbor:"4,keyasint"`
	Size    int64    `cbor:"5,keyasint"`
	SHA256  []byte   `cbor:"6,keyasint"`
	Chunk   int64    `cbor:"7,keyasint"`
	Chunks  []byte   `cbor:"8,keyasint"`
	Room    int64    `cbor:"9,keyasint"`
	Ring    uint8    `cbor:"10,keyasint"`
	By      int64    `cbor:"11,keyasint,omitempty"`
	Issued  int64    `cbor:"12,keyasint"`
}

// wireFile is a signed description: what is handed to kiosks.
type wireFile struct {
	_       struct{} `cbor:",toarray"`
	Domain  string
	Payload []byte
	P7S     []byte
	Lists   [][]byte // signed KeyLists, the oldest first
}

type wireSigned struct {
	_       struct{} `cbor:",toarray"`
	Domain  string
	Payload []byte
}

var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+~_-]*$`)

func (r *Release) check() error {
	switch {
	case len(r.Board) > maxName || !names.MatchString(r.Board):
		return fmt.Errorf("%w: its board is no name", ErrForm)
	case len(r.Version) > maxName || !names.MatchString(r.Version):
		return fmt.Errorf("%w: its version is no name", ErrForm)
	case r.Build == 0 || r.Build > 1<<53:
		return fmt.Errorf("%w: build %d", ErrForm, r.Build)
	case r.Formats.Min == 0 || r.Formats.Max < r.Formats.Min:
		return fmt.Errorf("%w: data formats %d to %d", ErrForm, r.Formats.Min, r.Formats.Max)
	case !slices.Contains(Rings, r.Ring):
		return fmt.Errorf("%w: %s", ErrForm, r.Ring)
	case r.Room <= 0 || r.Room > MaxBundle:
		return fmt.Errorf("%w: it takes %d bytes of a slot", ErrForm, r.Room)
	case r.Issued.Unix() <= 0:
		return fmt.Errorf("%w: it does not say when it was issued", ErrForm)
	case !r.By.IsZero() && r.By.Before(r.Issued):
		return fmt.Errorf("%w: it is due before it was issued", ErrForm)
	}
	return r.Content.check()
}

// Sign returns the signed description. s's certificate must be of a release key;
// lists are those of the roots so far, the oldest first, so that a kiosk that was
// off for years can follow.
func (r Release) Sign(s cms.Signer, lists ...[]byte) ([]byte, error) {
	r.Issued = r.Issued.UTC().Truncate(time.Second)
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("release: sign build %d for %s: %w", r.Build, r.Board, err)
	}
	w := wireRelease{
		Board: r.Board, Version: r.Version, Build: r.Build, Formats: []uint32{r.Formats.Min, r.Formats.Max},
		Size: r.Content.Size, SHA256: r.Content.SHA256[:], Chunk: r.Content.Chunk, Chunks: r.Content.Chunks,
		Room: r.Room, Ring: uint8(r.Ring), Issued: r.Issued.Unix(),
	}
	if !r.By.IsZero() {
		w.By = r.By.Unix()
	}
	payload, err := dcbor.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("release: sign build %d for %s: %w", r.Build, r.Board, err)
	}
	p7s, err := sign(domain, payload, s, r.Issued)
	if err != nil {
		return nil, fmt.Errorf("release: sign build %d for %s: %w", r.Build, r.Board, err)
	}
	out, err := dcbor.Marshal(wireFile{Domain: domain, Payload: payload, P7S: p7s, Lists: lists})
	if err != nil {
		return nil, fmt.Errorf("release: sign build %d for %s: %w", r.Build, r.Board, err)
	}
	return out, nil
}

func sign(domain string, payload []byte, s cms.Signer, at time.Time) ([]byte, error) {
	content, err := dcbor.Marshal(wireSigned{Domain: domain, Payload: payload})
	if err != nil {
		return nil, err
	}
	return cms.Sign(content, s, at)
}

// signature checks that p7s is one over payload and returns whose, with the
// certificates that it carries.
func signature(domain string, payload, p7s []byte) (signer *x509.Certificate, with []*x509.Certificate, at time.Time, err error) {
	sd, err := cms.Parse(p7s)
	if err != nil {
		return nil, nil, at, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	content, err := dcbor.Marshal(wireSigned{Domain: domain, Payload: payload})
	if err != nil {
		return nil, nil, at, err
	}
	if signer, err = sd.Verify(content); err != nil {
		return nil, nil, at, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return signer, sd.Certificates(), sd.SigningTime(), nil
}

// Open opens a signed description for a reader who believes k. It returns what the
// reader believes from then on: the lists that came with it are taken also where the
// description itself is refused. k is not changed.
//
// The signing time is believed because the signer is: a kiosk looks for updates
// before it knows what time it is. A key that was revoked signs nothing any more,
// whatever time is claimed.
func Open(signed []byte, k Keys) (*Release, Keys, error) {
	if len(signed) > MaxSigned {
		return nil, k, fmt.Errorf("%w: %d bytes", ErrForm, len(signed))
	}
	var f wireFile
	if err := dcbor.Unmarshal(signed, &f); err != nil {
		return nil, k, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if f.Domain != domain {
		return nil, k, fmt.Errorf("%w: it is of %q", ErrForm, f.Domain)
	}
	for _, l := range f.Lists {
		next, err := k.Take(l)
		if err != nil {
			return nil, k, err
		}
		k = next
	}
	signer, with, at, err := signature(domain, f.Payload, f.P7S)
	if err != nil {
		return nil, k, err
	}
	if err := k.believes(signer, with, at); err != nil {
		return nil, k, err
	}
	r, err := read(f.Payload)
	if err != nil {
		return nil, k, err
	}
	if !r.Issued.Equal(at) {
		return nil, k, fmt.Errorf("%w: it was not signed when it says it was issued", ErrForm)
	}
	r.signed = slices.Clone(signed)
	return r, k, nil
}

func read(payload []byte) (*Release, error) {
	var w wireRelease
	if err := dcbor.Unmarshal(payload, &w); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if len(w.Formats) != 2 || len(w.SHA256) != 32 {
		return nil, fmt.Errorf("%w: %d data formats, a digest of %d bytes", ErrForm, len(w.Formats), len(w.SHA256))
	}
	r := &Release{
		Board: w.Board, Version: w.Version, Build: w.Build, Formats: Formats{w.Formats[0], w.Formats[1]},
		Content: Content{Size: w.Size, SHA256: [32]byte(w.SHA256), Chunk: w.Chunk, Chunks: w.Chunks},
		Room:    w.Room, Ring: Ring(w.Ring), Issued: time.Unix(w.Issued, 0).UTC(),
	}
	if w.By != 0 {
		r.By = time.Unix(w.By, 0).UTC()
	}
	return r, r.check()
}

// Signed returns the description as it was signed, for whoever hands it on or keeps
// it; nil if it was not opened.
func (r *Release) Signed() []byte { return slices.Clone(r.signed) }

// Read reads a description without asking who signed it: for whoever keeps only what
// was opened before.
func Read(signed []byte) (*Release, error) {
	var f wireFile
	if err := dcbor.Unmarshal(signed, &f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return read(f.Payload)
}
