package seal_test

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"rsc.io/qr"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

var now = time.Date(2026, 6, 15, 9, 30, 0, 0, time.UTC)

func TestSizes(t *testing.T) {
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	doc := sha256.Sum256([]byte("a request"))
	copySeal := seal.Seal{
		Kind: seal.Copy, Issuer: "civil-registry", Service: "residence-certificate", Doc: doc[:], Date: now, Subject: "Aýna N.",
		Facts:   [][2]string{{"address", "Aşgabat, NUSGA köçesi 7"}, {"since", "2011-03-02"}, {"purpose", "mekdep"}},
		Expires: now.AddDate(0, 6, 0),
	}
	receipt := seal.Seal{
		Kind: seal.Receipt, Issuer: "K-000001", Service: "residence-certificate", Doc: doc[:], Date: now,
		Index: 12345, Size: 12346, Root: doc[:],
	}
	short := receipt
	short.Service = "complaint"
	for _, tt := range []struct {
		name       string
		s          seal.Seal
		by         specimen.Identity
		max, level int
	}{
		{"receipt", receipt, w.Device.Signing, 165, 10},
		{"receipt, short service", short, w.Device.Signing, 153, 10},
		{"copy", copySeal, w.Agencies["civil-registry"], 260, 14},
	} {
		s, err := seal.Make(tt.s, tt.by.Key, tt.by.Cert)
		if err != nil {
			t.Fatal(err)
		}
		code, err := qr.Encode(s.URL("https://portal.specimen"), qr.M)
		if err != nil {
			t.Fatal(err)
		}
		version := (code.Size - 17) / 4
		t.Logf("%s: %d bytes, %d characters, QR version %d", tt.name, len(s.Bytes()), len(s.URL("https://portal.specimen")), version)
		if n := len(s.Bytes()); n > tt.max || version > tt.level {
			t.Errorf("%s: got %d bytes and QR version %d, want at most %d and %d", tt.name, n, version, tt.max, tt.level)
		}
		back, err := seal.Parse(s.URL("https://portal.specimen"))
		if err != nil {
			t.Fatal(err)
		}
		if r := back.Verify(w.Trust(), now.Add(time.Hour)); r.Verdict != edoc.Yes || r.RevocationAge != time.Hour {
			t.Errorf("%s: got %+v", tt.name, r)
		}
		if !bytes.Equal(back.Doc, doc[:16]) {
			t.Errorf("%s: document is %x, want the first half of %x", tt.name, back.Doc, doc)
		}
		if _, err := edoc.ParseCode(strings.ToLower(back.CheckNumber())); err != nil {
			t.Errorf("%s: check number %q: %v", tt.name, back.CheckNumber(), err)
		}
		if !bytes.Equal(back.Bytes(), s.Bytes()) || back.ID() != s.ID() {
			t.Errorf("%s: came back as another", tt.name)
		}
	}
}

func TestMakeRefuses(t *testing.T) {
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	good := seal.Seal{
		Kind: seal.Receipt, Issuer: "K-000001", Service: "complaint", Doc: make([]byte, 32), Date: now, Index: 0, Size: 1, Root: make([]byte, 32),
	}
	id := w.Device.Signing
	if _, err := seal.Make(good, id.Key, id.Cert); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*seal.Seal){
		"kind":    func(s *seal.Seal) { s.Kind = "other" },
		"issuer":  func(s *seal.Seal) { s.Issuer = "" },
		"doc":     func(s *seal.Seal) { s.Doc = s.Doc[:15] },
		"date":    func(s *seal.Seal) { s.Date = time.Time{} },
		"index":   func(s *seal.Seal) { s.Index = 1 },
		"root":    func(s *seal.Seal) { s.Root = nil },
		"subject": func(s *seal.Seal) { s.Subject = "Aýna N." },
	} {
		s := good
		change(&s)
		if _, err := seal.Make(s, id.Key, id.Cert); err == nil {
			t.Errorf("%s: sealed all the same", name)
		}
	}
	if _, err := seal.Make(good, w.TSA.Key, id.Cert); err == nil {
		t.Error("another key: sealed all the same")
	}
}
