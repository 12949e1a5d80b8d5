package pa_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/pa"
	"github.com/penjire/penjire/drivers/emulator/emrtdcard"
)

var now = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

var kinds = map[string]emrtdcard.Kind{
	"ECDSA": emrtdcard.ECDSA, "brainpool written out": emrtdcard.Brainpool, "PSS": emrtdcard.PSS, "RSA": emrtdcard.RSA,
}

// made is a specimen's EF.SOD, with the files that it is about.
type made struct {
	issuer *emrtdcard.Issuer
	sod    []byte
	files  map[lds.Group][]byte
}

func specimen(t testing.TB, o emrtdcard.IssuerOpts) made {
	t.Helper()
	i, err := emrtdcard.NewIssuer(o)
	if err != nil {
		t.Fatal(err)
	}
	p, err := emrtdcard.Specimen(i)
	if err != nil {
		t.Fatal(err)
	}
	m := made{i, p.Files[lds.SOD], map[lds.Group][]byte{}}
	for _, g := range []lds.Group{lds.DG1, lds.DG2, lds.DG11, lds.DG14} {
		m.files[g] = p.Files[g.File()]
	}
	return m
}

func parse(t testing.TB, sod []byte) *pa.SOD {
	t.Helper()
	s, err := pa.ParseSOD(sod)
	if err != nil {
		t.Fatalf("ParseSOD = %v, want nil", err)
	}
	return s
}

func list(t testing.TB, certificates ...[]byte) pa.Trust {
	t.Helper()
	var all bytes.Buffer
	for _, c := range certificates {
		if err := pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: c}); err != nil {
			t.Fatal(err)
		}
	}
	l, err := pa.ParseTrust(all.Bytes())
	if err != nil {
		t.Fatalf("ParseTrust = %v, want nil", err)
	}
	return l
}

// TestEveryBit changes bits of EF.SOD. In what is signed, and in the signature,
// no change may leave the document whole and signed; elsewhere CMS repeats
// itself, and a change there may be refused or change nothing.
func TestEveryBit(t *testing.T) {
	for name, step := range map[string]int{"ECDSA": 13, "PSS": 5} { // prime to eight
		m := specimen(t, emrtdcard.IssuerOpts{Kind: kinds[name]})
		trust := list(t, m.issuer.Authority)
		if f := pa.Judge(parse(t, m.sod), m.files, "UTO", trust, now); f.Whole.Answer != pa.Yes || f.Signed.Answer != pa.Yes {
			t.Fatalf("%s: Judge = %+v, want yes", name, f)
		}
		inside := signedParts(t, m)
		tried := 0
		for i := 0; i < len(m.sod)*8; i += step {
			b := bytes.Clone(m.sod)
			b[i/8] ^= 1 << (i % 8)
			s, err := pa.ParseSOD(b)
			if err != nil {
				if !errors.Is(err, device.ErrProtocol) {
					t.Fatalf("%s: ParseSOD with bit %d changed = %v, want ErrProtocol", name, i, err)
				}
				continue
			}
			tried++
			f := pa.Judge(s, m.files, "UTO", trust, now)
			if inside(i/8) && f.Whole.Answer == pa.Yes && f.Signed.Answer == pa.Yes {
				t.Errorf("%s: Judge with bit %d changed = %+v, want not all yes", name, i, f)
			}
		}
		if tried < 100 {
			t.Errorf("%s: only %d changed files were parsed", name, tried)
		}
	}
}

// signedParts reports of a place in EF.SOD whether it is in the digests, the
// certificate, the digest of the attributes or the signature.
func signedParts(t *testing.T, m made) func(i int) bool {
	t.Helper()
	find := func(what []byte) int {
		i := bytes.Index(m.sod, what)
		if i < 0 {
			t.Fatalf("%x is not in EF.SOD", what)
		}
		return i
	}
	first, last := sha256.Sum256(m.files[lds.DG1]), sha256.Sum256(m.files[lds.DG14])
	certificate := find(m.issuer.Signer)
	attribute := find([]byte{0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x04})
	from, to := find(first[:]), find(last[:])+len(last)
	return func(i int) bool {
		return i >= from && i < to || i >= certificate && i < certificate+len(m.issuer.Signer) ||
			i >= attribute && i < attribute+47 || i >= len(m.sod)-60
	}
}

// TestGroups: what EF.SOD does not list is not signed.
func TestGroups(t *testing.T) {
	m := specimen(t, emrtdcard.IssuerOpts{})
	trust := list(t, m.issuer.Authority)
	m.files[lds.Group(12)] = []byte{0x6C, 0}
	if f := pa.Judge(parse(t, m.sod), m.files, "UTO", trust, now); f.Whole.Answer != pa.No {
		t.Errorf("Whole with a group that is not listed = %v, want no", f.Whole)
	}
	if f := pa.Judge(parse(t, m.sod), nil, "", trust, now); f.Whole.Answer != pa.Unknown || f.State.Answer != pa.Unknown {
		t.Errorf("Judge of nothing = %+v, want unknown", f)
	}
}

// TestStates compares codes of zones with those of certificates.
func TestStates(t *testing.T) {
	for _, c := range []struct {
		country, issuer string
		want            pa.Answer
	}{
		{"TM", "TKM", pa.Yes},
		{"DE", "D", pa.Yes},
		{"RU", "RUS", pa.Yes},
		{"GB", "GBD", pa.Yes},
		{"UT", "UTO", pa.Yes},
		{"UN", "UNO", pa.Yes},
		{"UN", "UNA", pa.Yes},
		{"EU", "EUE", pa.Yes},
		{"ks", "RKS", pa.No},
		{"TM", "RUS", pa.No},
		{"DE", "UTO", pa.No},
		{"TM", "", pa.Unknown},
	} {
		m := specimen(t, emrtdcard.IssuerOpts{Country: c.country})
		f := pa.Judge(parse(t, m.sod), m.files, c.issuer, list(t, m.issuer.Authority), now)
		if f.State.Answer != c.want {
			t.Errorf("State of %s signed by %s = %v, want %v", c.issuer, c.country, f.State, c.want)
		}
	}
}

// TestMasterList: a list counts if an anchor's signer signed it.
func TestMasterList(t *testing.T) {
	for name, kind := range kinds {
		anchor := specimen(t, emrtdcard.IssuerOpts{Kind: kind})
		other := specimen(t, emrtdcard.IssuerOpts{Country: "TM"})
		b, err := anchor.issuer.MasterList(anchor.issuer.Authority, other.issuer.Authority)
		if err != nil {
			t.Fatal(err)
		}
		l, err := pa.ParseMasterList(b, list(t, anchor.issuer.Authority), now)
		if err != nil || l.Len() != 2 {
			t.Fatalf("%s: ParseMasterList = %d, %v, want 2", name, l.Len(), err)
		}
		if f := pa.Judge(parse(t, other.sod), other.files, "TKM", l, now); f.Signed.Answer != pa.Yes || f.By != "TM" {
			t.Errorf("%s: Judge by the list = %+v, want signed", name, f)
		}
		if l, err := pa.ParseMasterList(b, list(t, other.issuer.Authority), now); err == nil {
			t.Errorf("%s: ParseMasterList with another anchor = %d certificates, want an error", name, l.Len())
		}
		if l, err := pa.ParseMasterList(b, list(t, anchor.issuer.Authority), now.AddDate(40, 0, 0)); err == nil {
			t.Errorf("%s: ParseMasterList out of time = %d certificates, want an error", name, l.Len())
		}
		at := bytes.Index(b, []byte("Specimen CSCA"))
		b[at] ^= 1
		if l, err := pa.ParseMasterList(b, list(t, anchor.issuer.Authority), now); err == nil {
			t.Errorf("%s: ParseMasterList of a changed list = %d certificates, want an error", name, l.Len())
		}
	}
	m := specimen(t, emrtdcard.IssuerOpts{})
	// What is signed names what it is, and cannot be passed off as something else.
	label := []byte{0x67, 0x81, 0x08, 0x01, 0x01, 0x01, 0xA0}
	other := bytes.Replace(m.sod[4:], label, []byte{0x67, 0x81, 0x08, 0x01, 0x01, 0x02, 0xA0}, 1)
	if _, err := pa.ParseMasterList(other, list(t, m.issuer.Authority), now); err == nil || !strings.Contains(err.Error(), "other content") {
		t.Errorf("ParseMasterList of EF.SOD under another label = %v, want «other content»", err)
	}
	if _, err := pa.ParseTrust(m.issuer.Signer); err == nil {
		t.Error("ParseTrust of a document signer = nil, want an error")
	}
	if _, err := pa.ParseMasterList(m.sod[4:], list(t, m.issuer.Authority), now); err == nil {
		t.Error("ParseMasterList of EF.SOD = nil, want an error")
	}
}

func FuzzParseSOD(f *testing.F) {
	for _, kind := range kinds {
		f.Add(specimen(f, emrtdcard.IssuerOpts{Kind: kind}).sod)
	}
	m := specimen(f, emrtdcard.IssuerOpts{})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := pa.ParseSOD(b)
		if err != nil {
			return
		}
		if f := pa.Judge(s, m.files, "UTO", pa.Trust{}, now); f.Signed.Answer == pa.Yes {
			t.Errorf("Judge without a list = %+v, want not signed", f)
		}
	})
}

func FuzzParseTrust(f *testing.F) {
	for _, kind := range kinds {
		i := specimen(f, emrtdcard.IssuerOpts{Kind: kind}).issuer
		f.Add(i.Authority)
		f.Add(i.Signer)
	}
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if l, err := pa.ParseTrust(b); err == nil && l.Len() == 0 {
			panic("no certificate and no error")
		}
	})
}
