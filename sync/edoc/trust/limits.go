package trust

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Limits are the bounds within which a certificate may be used (ED-29.1.4,
// ED-33.7) and the powers of a representative (ED-33.8). They stand in the
// certificate's qcStatements (RFC 3739 3.2.6), as a statement of this product's
// own: that is where a centre says what a certificate is good for, and a reader
// that must understand it is told so by the extension being critical. (An
// extension of its own could not be read by Go, which takes no extension of a
// UUID's arc.)
type Limits struct {
	Minor    *Minor
	Powers   *Powers
	Amount   int64    // the most a document may be about, in tenge; 0: no bound
	Services []string // services and fields it is good for; none: all
}

// Minor says that the holder is a minor.
type Minor struct {
	Until    time.Time // from when on he is of age
	Guardian bool      // he always signs together with his guardian
}

// Powers are whom the holder represents, and in what.
type Powers struct {
	Of       string    // unified identifier of the person, or number of the organisation
	Name     string    // of whom he represents
	Services []string  // services and fields; none: all
	Until    time.Time // zero: as long as the certificate
}

// FieldPrefix stands before the name of a field in a list of services:
// "field/medical".
const FieldPrefix = "field/"

// Covers says whether a list of services covers one. Where the service's field
// is not known, it is "", and a list that names fields but not the service gives
// Unknown.
func Covers(list []string, service, field string) Verdict {
	switch {
	case len(list) == 0, slices.Contains(list, service), field != "" && slices.Contains(list, FieldPrefix+field):
		return Yes
	case field == "" && slices.ContainsFunc(list, func(s string) bool { return strings.HasPrefix(s, FieldPrefix) }):
		return Unknown
	}
	return No
}

var (
	oidQCStatements = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3}
	oidLimits       = mustOID(arc + ".3")
)

// LimitsExtension returns the extension for a certificate, for whoever issues
// them. It is critical: whoever does not know the limits must not rely on it.
func LimitsExtension(l Limits) (value []byte, id asn1.ObjectIdentifier, err error) {
	oid, err := oidLimits.MarshalBinary()
	if err != nil {
		return nil, nil, fmt.Errorf("trust: write limits: %w", err)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // QCStatements
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // QCStatement
			b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(oid) })
			l.add(b)
		})
	})
	if value, err = b.Bytes(); err != nil {
		return nil, nil, fmt.Errorf("trust: write limits: %w", err)
	}
	return value, oidQCStatements, nil
}

var (
	tagMinor    = cbasn1.Tag(0).ContextSpecific().Constructed()
	tagPowers   = cbasn1.Tag(1).ContextSpecific().Constructed()
	tagAmount   = cbasn1.Tag(2).ContextSpecific()
	tagServices = cbasn1.Tag(3).ContextSpecific().Constructed()
	tagUntil    = cbasn1.Tag(0).ContextSpecific()
)

// The form is that of sync/spec/edoc.md, section 8.1.
func (l Limits) add(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if m := l.Minor; m != nil {
			b.AddASN1(tagMinor, func(b *cryptobyte.Builder) {
				b.AddASN1GeneralizedTime(m.Until.UTC())
				b.AddASN1Boolean(m.Guardian)
			})
		}
		if p := l.Powers; p != nil {
			b.AddASN1(tagPowers, func(b *cryptobyte.Builder) {
				addText(b, p.Of)
				addText(b, p.Name)
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addTexts(b, p.Services) })
				if !p.Until.IsZero() {
					b.AddASN1(tagUntil, func(b *cryptobyte.Builder) {
						b.AddBytes([]byte(p.Until.UTC().Format("20060102150405Z")))
					})
				}
			})
		}
		if l.Amount > 0 {
			b.AddASN1Int64WithTag(l.Amount, tagAmount)
		}
		if len(l.Services) > 0 {
			b.AddASN1(tagServices, func(b *cryptobyte.Builder) { addTexts(b, l.Services) })
		}
	})
}

func addText(b *cryptobyte.Builder, s string) {
	b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(s)) })
}

func addTexts(b *cryptobyte.Builder, list []string) {
	for _, s := range list {
		addText(b, s)
	}
}

// readLimits returns the certificate's limits, nil if it has none. It is false
// for a certificate that holds what is not understood: an unknown critical
// extension, an unknown statement in critical qcStatements, limits that are not
// in their one form.
func readLimits(cert *x509.Certificate) (*Limits, bool) {
	for _, id := range cert.UnhandledCriticalExtensions {
		if !id.Equal(oidQCStatements) {
			return nil, false
		}
	}
	for _, e := range cert.Extensions {
		if !e.Id.Equal(oidQCStatements) {
			continue
		}
		// A certificate has each extension once; crypto/x509 sees to that.
		l, unknown, err := parseStatements(e.Value)
		return l, err == nil && (!e.Critical || !unknown)
	}
	return nil, true
}

// parseStatements looks for the limits among statements.
func parseStatements(der cryptobyte.String) (found *Limits, unknown bool, err error) {
	ours, err := oidLimits.MarshalBinary()
	if err != nil {
		return nil, false, err
	}
	var list cryptobyte.String
	if !der.ReadASN1(&list, cbasn1.SEQUENCE) || !der.Empty() {
		return nil, false, errors.New("the statements are malformed")
	}
	for !list.Empty() {
		var one, oid cryptobyte.String
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1(&oid, cbasn1.OBJECT_IDENTIFIER) {
			return nil, false, errors.New("a statement is malformed")
		}
		if !bytes.Equal(oid, ours) {
			unknown = true
			continue
		}
		if found != nil {
			return nil, false, errors.New("the limits are there twice")
		}
		if found, err = parseLimits(one); err != nil {
			return nil, false, err
		}
	}
	return found, unknown, nil
}

// parseLimits reads one form only: what it read, written again, is the same.
func parseLimits(der cryptobyte.String) (*Limits, error) {
	whole := bytes.Clone(der)
	var s cryptobyte.String
	l, ok := &Limits{}, der.ReadASN1(&s, cbasn1.SEQUENCE) && der.Empty()
	var part cryptobyte.String
	var there bool
	if ok = ok && s.ReadOptionalASN1(&part, &there, tagMinor); ok && there {
		l.Minor = &Minor{}
		ok = part.ReadASN1GeneralizedTime(&l.Minor.Until) && part.ReadASN1Boolean(&l.Minor.Guardian) && part.Empty()
	}
	if ok = ok && s.ReadOptionalASN1(&part, &there, tagPowers); ok && there {
		l.Powers, ok = readPowers(part)
	}
	if ok && s.PeekASN1Tag(tagAmount) {
		ok = s.ReadASN1Int64WithTag(&l.Amount, tagAmount)
	}
	if ok = ok && s.ReadOptionalASN1(&part, &there, tagServices); ok && there {
		l.Services, ok = readTexts(part)
	}
	if !ok || !s.Empty() {
		return nil, errors.New("the limits are malformed")
	}
	var b cryptobyte.Builder
	l.add(&b)
	if again, err := b.Bytes(); err != nil || !bytes.Equal(again, whole) {
		return nil, errors.New("the limits are not in their one form")
	}
	return l, nil
}

func readPowers(s cryptobyte.String) (*Powers, bool) {
	p := &Powers{}
	var of, name, list, until cryptobyte.String
	var there, ok bool
	if !s.ReadASN1(&of, cbasn1.UTF8String) || !s.ReadASN1(&name, cbasn1.UTF8String) || !s.ReadASN1(&list, cbasn1.SEQUENCE) ||
		!s.ReadOptionalASN1(&until, &there, tagUntil) || !s.Empty() || len(of) == 0 {
		return nil, false
	}
	p.Of, p.Name = string(of), string(name)
	if p.Services, ok = readTexts(list); !ok {
		return nil, false
	}
	if there {
		t, err := time.Parse("20060102150405Z", string(until))
		if err != nil {
			return nil, false
		}
		p.Until = t
	}
	return p, true
}

func readTexts(s cryptobyte.String) ([]string, bool) {
	var list []string
	for !s.Empty() {
		var t cryptobyte.String
		if !s.ReadASN1(&t, cbasn1.UTF8String) || len(t) == 0 {
			return nil, false
		}
		list = append(list, string(t))
	}
	return list, true
}
