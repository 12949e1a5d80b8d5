package journal

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what an entry records. Its numbers are stored and sent; they are
// written out, and one that is no longer used stays taken.
type Kind uint8

// The kinds of entries (outbox.md, section 6).
const (
	DocSigned  Kind = 1  // a document was accepted: Doc, Digest, Signature, Epoch, Seq
	Printed    Kind = 2  // a print job ended: Doc, Job, Print, Outcome, perhaps Marked and Reason
	Sent       Kind = 3  // a document left for the first time: Doc, Seq
	Receipt    Kind = 4  // a verified receipt was stored: Doc, Stage, Digest of the receipt
	Withdrawn  Kind = 5  // a document was withdrawn before it left: Doc, Seq
	Beacon     Kind = 6  // the portal's signed time came: To, Digest of the beacon
	Boot       Kind = 7  // the outbox was opened: perhaps Reason, a software version
	ClockStep  Kind = 8  // the clock jumped: From, To
	Tamper     Kind = 9  // somebody opened or moved the kiosk: Reason
	Update     Kind = 10 // the software changed: Reason, the new version
	Quarantine Kind = 11 // a damaged file was set aside: Epoch of the old file, Count of records saved, Reason
	Service    Kind = 12 // a technician did what a service ticket allows: Reason, what; Digest of the ticket
)

var kindNames = map[Kind]string{
	DocSigned: "doc-signed", Printed: "printed", Sent: "sent", Receipt: "receipt",
	Withdrawn: "withdrawn", Beacon: "beacon", Boot: "boot", ClockStep: "clock-step",
	Tamper: "tamper", Update: "update", Quarantine: "quarantine",
	Service: "service",
}

// String returns the kind's name in the specification.
func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Limits of an entry. Entries are kept for ever, so they are small.
const (
	MaxEntry  = 512 // bytes of an encoded entry
	MaxBoot   = 64  // bytes of Entry.Boot
	MaxReason = 128 // bytes of Fields.Reason
)

// ErrEntry is wrapped by every error about an entry's form.
var ErrEntry = errors.New("not a journal entry")

// Entry is one record of the journal. It names no person: documents appear by
// their digest only.
type Entry struct {
	Kind   Kind
	At     time.Time // what the kiosk's clock claimed; kept to the millisecond
	Boot   string    // the boot it happened in; printable ASCII, at most MaxBoot bytes
	Fields Fields
}

// Fields are what an entry says beside its kind, time and boot. Which of them
// a kind carries is in its comment and in outbox.md, section 6; the others are
// zero.
type Fields struct {
	Doc       []byte // 32 bytes: the document's identity
	Digest    []byte // 32 bytes: SHA-256 of what the kind says
	Signature []byte // 32 bytes: SHA-256 of the signature value
	Epoch     []byte // 16 bytes
	Seq       uint64
	Job       uint64 // print job
	Print     uint8  // what was printed: 1 receipt, 2 copy
	Outcome   uint8  // how the print ended, in outbox.PrintState's numbers
	Marked    bool   // the print carried the words that mark it as a copy
	Stage     uint8  // in outbox.State's numbers
	From, To  int64  // times in Unix milliseconds
	Count     uint64
	Reason    string // a stable code or a version, never a sentence; printable ASCII
}

// Marshal returns the entry's only encoding, or an error that says which rule
// the entry breaks.
func (e Entry) Marshal() ([]byte, error) {
	if err := e.valid(); err != nil {
		return nil, err
	}
	b := e.append(make([]byte, 0, 192))
	if len(b) > MaxEntry {
		return nil, fmt.Errorf("journal: a %v entry of %d bytes, at most %d: %w", e.Kind, len(b), MaxEntry, ErrEntry)
	}
	return b, nil
}

// ParseEntry decodes b, which must be exactly what Marshal returns.
func ParseEntry(b []byte) (Entry, error) {
	if len(b) > MaxEntry {
		return Entry{}, fmt.Errorf("journal: parse an entry of %d bytes, at most %d: %w", len(b), MaxEntry, ErrEntry)
	}
	e, ok := parseEntry(b)
	if !ok {
		return Entry{}, fmt.Errorf("journal: parse an entry: not in its only encoding: %w", ErrEntry)
	}
	if err := e.valid(); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// The fields of each kind: must be there, may be there. Marked false, From 0
// and the like cannot be told from absent and are therefore in "may".
const (
	fDoc = 1 << iota
	fDigest
	fSignature
	fEpoch
	fSeq
	fJob
	fPrint
	fOutcome
	fMarked
	fStage
	fFrom
	fTo
	fCount
	fReason
)

var kindFields = map[Kind]struct{ must, may uint }{
	DocSigned:  {fDoc | fDigest | fEpoch | fSeq, fSignature},
	Printed:    {fDoc | fJob | fPrint | fOutcome, fMarked | fReason},
	Sent:       {fDoc | fSeq, fEpoch},
	Receipt:    {fDoc | fStage | fDigest, fSeq | fEpoch},
	Withdrawn:  {fDoc | fSeq, fEpoch},
	Beacon:     {fTo, fDigest | fReason},
	Boot:       {0, fReason},
	ClockStep:  {0, fFrom | fTo | fReason},
	Tamper:     {fReason, fDigest},
	Update:     {fReason, fDigest},
	Quarantine: {fReason, fEpoch | fCount | fDigest},
	Service:    {fReason | fDigest, 0},
}

var fieldNames = []string{
	"doc", "digest", "signature", "epoch", "seq", "job", "print", "outcome",
	"marked", "stage", "from", "to", "count", "reason",
}

func (f *Fields) present() uint {
	var p uint
	for i, there := range []bool{
		len(f.Doc) > 0, len(f.Digest) > 0, len(f.Signature) > 0, len(f.Epoch) > 0,
		f.Seq != 0, f.Job != 0, f.Print != 0, f.Outcome != 0, f.Marked, f.Stage != 0,
		f.From != 0, f.To != 0, f.Count != 0, f.Reason != "",
	} {
		if there {
			p |= 1 << i
		}
	}
	return p
}

func (e *Entry) valid() error {
	rule, ok := kindFields[e.Kind]
	if !ok {
		return fmt.Errorf("journal: entry of unknown kind %d: %w", uint8(e.Kind), ErrEntry)
	}
	if !printable(e.Boot, MaxBoot) {
		return fmt.Errorf("journal: %v entry: boot is not printable ASCII of at most %d bytes: %w", e.Kind, MaxBoot, ErrEntry)
	}
	if !printable(e.Fields.Reason, MaxReason) {
		return fmt.Errorf("journal: %v entry: reason is not printable ASCII of at most %d bytes: %w", e.Kind, MaxReason, ErrEntry)
	}
	p := e.Fields.present()
	for i, name := range fieldNames {
		bit := uint(1) << i
		if rule.must&bit != 0 && p&bit == 0 {
			return fmt.Errorf("journal: %v entry without %s: %w", e.Kind, name, ErrEntry)
		}
		if p&bit != 0 && (rule.must|rule.may)&bit == 0 {
			return fmt.Errorf("journal: %v entry with %s: %w", e.Kind, name, ErrEntry)
		}
	}
	for _, x := range []struct {
		name string
		b    []byte
		want int
	}{
		{"doc", e.Fields.Doc, 32},
		{"digest", e.Fields.Digest, 32},
		{"signature", e.Fields.Signature, 32},
		{"epoch", e.Fields.Epoch, 16},
	} {
		if len(x.b) != 0 && len(x.b) != x.want {
			return fmt.Errorf("journal: %v entry: %s of %d bytes, want %d: %w", e.Kind, x.name, len(x.b), x.want, ErrEntry)
		}
	}
	return nil
}

func printable(s string, most int) bool {
	if len(s) > most {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
