package main

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// description is bundle.json: what the next trust bundle is to hold. Names of
// files are relative to its folder and may be patterns ("kiosks/*.crt"), which
// must find something. Certificates are PEM, revocation lists PEM or DER. An
// unknown key is an error.
type description struct {
	Centres      []centre `json:"centres"`
	CRLs         []string `json:"crls"`
	TSA          []string `json:"tsa"`
	Portals      []string `json:"portals"`
	Agencies     []string `json:"agencies"`
	SealSigners  []string `json:"seal_signers"`  // signing certificates of kiosks
	Recipients   []string `json:"recipients"`    // age1…, of the portal
	RevokedSeals []string `json:"revoked_seals"` // 32 hex digits each
	Calendar     calendar `json:"calendar"`
	Holds        []hold   `json:"holds"`
	Roots        []root   `json:"roots"`   // announced since the first one, all of them
	Retired      []ended  `json:"retired"` // roots that are believed no more
}

// root announces a root; trust.NextRoot.
type root struct {
	Cert  string `json:"cert"`  // self-signed
	Cross string `json:"cross"` // of the same name and key, issued by a root before it
}

// ended is a root that is believed no more; trust.RetiredRoot.
type ended struct {
	Cert  string `json:"cert"`
	Since day    `json:"since"`
}

// calendar says which days are working days; trust.Calendar.
type calendar struct {
	Off      []string `json:"off"`      // "saturday", …; none: Saturday and Sunday
	Holidays []string `json:"holidays"` // days off besides, 2026-11-22
	Worked   []string `json:"worked"`   // days worked although they are among the above
}

// hold is a suspension that the revocation lists do not tell of; trust.Hold.
type hold struct {
	Cert  string    `json:"cert"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until,omitzero"`
	Order bool      `json:"order"` // by the authority or a court (ED-44)
}

// centre is an entry of the state list of centres (ED-39.6).
type centre struct {
	Cert    string `json:"cert"`
	Name    string `json:"name"` // as people know it
	Kind    string `json:"kind"` // citizens, agencies, infrastructure
	No      string `json:"no"`   // of the accreditation
	Date    day    `json:"date"` // of the accreditation
	Address string `json:"address"`
	State   string `json:"state"` // working, suspended, ended
	Since   day    `json:"since"` // of the state
}

// day is a date, 2026-11-22, as of its beginning in UTC.
type day struct{ t time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *day) UnmarshalText(b []byte) (err error) {
	d.t, err = time.Parse(time.DateOnly, string(b))
	return err
}

// folder reads the files that a description names and collects what is wrong
// with all of them: who keeps the register mends them together.
type folder struct {
	dir    string
	faults []error
}

func (f *folder) fault(format string, args ...any) {
	f.faults = append(f.faults, fmt.Errorf(format, args...))
}

// files returns what a list of names and patterns finds, in order.
func (f *folder) files(field string, names []string) []string {
	var out []string
	for _, n := range names {
		if !filepath.IsAbs(n) {
			n = filepath.Join(f.dir, n)
		}
		found, err := filepath.Glob(n)
		if err != nil || len(found) == 0 {
			f.fault("%s: there is no %s", field, n)
		}
		out = append(out, found...)
	}
	return out
}

// certs returns the first certificate of each file: the others are its issuers.
func (f *folder) certs(field string, names []string) []*x509.Certificate {
	var out []*x509.Certificate
	for _, name := range f.files(field, names) {
		cs, err := keyfile.Certificates(name)
		if err != nil {
			f.fault("%s: %w", field, err)
			continue
		}
		if slices.ContainsFunc(out, cs[0].Equal) {
			f.fault("%s: %s is named twice", field, name)
			continue
		}
		out = append(out, cs[0])
	}
	return out
}

// lists returns the revocation lists of the files, as DER.
func (f *folder) lists(names []string) [][]byte {
	var out [][]byte
	for _, name := range f.files("crls", names) {
		b, err := os.ReadFile(name)
		if err != nil {
			f.fault("crls: %w", err)
			continue
		}
		if p, _ := pem.Decode(b); p != nil {
			b = p.Bytes
		}
		if _, err := x509.ParseRevocationList(b); err != nil {
			f.fault("crls: %s: %w", name, err)
			continue
		}
		out = append(out, b)
	}
	return out
}

func (f *folder) roots(b *trust.Bundle, d description) {
	for i, r := range d.Roots {
		field := fmt.Sprintf("roots[%d]", i)
		certs, cross := f.certs(field+".cert", []string{r.Cert}), f.certs(field+".cross", []string{r.Cross})
		if len(certs) == 1 && len(cross) == 1 {
			b.Roots = append(b.Roots, trust.NextRoot{Cert: certs[0], Cross: cross[0]})
		}
	}
	for i, r := range d.Retired {
		for _, c := range f.certs(fmt.Sprintf("retired[%d].cert", i), []string{r.Cert}) {
			b.Retired = append(b.Retired, trust.RetiredRoot{Key: trust.RootKey(c), Since: r.Since.t})
		}
	}
}

func (f *folder) calendar(c calendar) trust.Calendar {
	out := trust.Calendar{Holidays: c.Holidays, Worked: c.Worked}
	for _, name := range c.Off {
		i := slices.IndexFunc(weekdays, func(d time.Weekday) bool { return strings.EqualFold(d.String(), name) })
		if i < 0 {
			f.fault("calendar.off: %q is no day of the week", name)
			continue
		}
		out.Off = append(out.Off, weekdays[i])
	}
	for _, days := range [][]string{c.Holidays, c.Worked} {
		for _, d := range days {
			if _, err := time.Parse(time.DateOnly, d); err != nil {
				f.fault("calendar: %q is no date", d)
			}
		}
	}
	return out
}

var weekdays = []time.Weekday{time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday}

// hold adds a suspension of the certificate that h names to b.
func (f *folder) hold(b *trust.Bundle, field string, h hold) {
	for _, cert := range f.certs(field+".cert", []string{h.Cert}) {
		i := slices.IndexFunc(b.Centres, func(c trust.Centre) bool { return cert.CheckSignatureFrom(c.Cert) == nil })
		if i < 0 {
			f.fault("%s: no centre of the description issued %s", field, h.Cert)
			continue
		}
		if h.From.IsZero() {
			f.fault("%s: from is needed", field)
		}
		b.Holds = append(b.Holds, trust.Hold{
			Centre: trust.HoldCentre(b.Centres[i].Cert), Serial: cert.SerialNumber.Bytes(),
			From: h.From.UTC(), Until: h.Until.UTC(), Order: h.Order,
		})
	}
}

// readDescription reads bundle.json and everything it names.
func readDescription(name string) (*trust.Bundle, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the description: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var d description
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("read the description %s: %w", name, err)
	}
	f := &folder{dir: filepath.Dir(name)}
	b := &trust.Bundle{
		CRLs: f.lists(d.CRLs), TSA: f.certs("tsa", d.TSA), Portals: f.certs("portals", d.Portals),
		Agencies: f.certs("agencies", d.Agencies), SealSigners: f.certs("seal_signers", d.SealSigners), Recipients: d.Recipients,
	}
	for i, c := range d.Centres {
		field := fmt.Sprintf("centres[%d]", i)
		for _, cert := range f.certs(field+".cert", []string{c.Cert}) {
			b.Centres = append(b.Centres, trust.Centre{
				Cert: cert, Name: c.Name, Kind: c.Kind, State: c.State, Since: c.Since.t,
				Accreditation: trust.Accreditation{No: c.No, Date: c.Date.t, Address: c.Address},
			})
		}
		if c.No == "" || c.Date.t.IsZero() || c.Address == "" {
			f.fault("%s: the state list gives number, date and address of the accreditation (ED-39.6)", field)
		}
	}
	for i, s := range d.RevokedSeals {
		id, err := hex.DecodeString(s)
		if err != nil || len(id) != 16 {
			f.fault("revoked_seals[%d]: got %d characters, want 32 hex digits", i, len(s))
		}
		b.RevokedSeals = append(b.RevokedSeals, id)
	}
	b.Calendar = f.calendar(d.Calendar)
	f.roots(b, d)
	for i, h := range d.Holds {
		f.hold(b, fmt.Sprintf("holds[%d]", i), h)
	}
	if err := errors.Join(f.faults...); err != nil {
		return nil, fmt.Errorf("the description %s:\n%w", name, err)
	}
	return b, nil
}
