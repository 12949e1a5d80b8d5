package demo

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/emulator/pivcard"
	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/portal"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// A world is made once; opened again it is the same to the byte.
func TestOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w, err := Open(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	if !w.Made.Equal(now) || len(w.Cards) < 8 || w.Cards[0] != "citizen-1" {
		t.Errorf("Open = made %v with cards %v, want %v and citizen-1 first", w.Made, w.Cards, now)
	}
	key := filepath.Join(w.Portal(), "register.key")
	before, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) || !again.Made.Equal(now) {
		t.Error("opened again, the world is another one")
	}
}

// Requests without the keys that open them are not overwritten.
func TestKeeps(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "kiosk", "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, now); err == nil {
		t.Error("Open = nil, want it to refuse a folder with a kiosk's state and no world")
	}
	if err := os.WriteFile(filepath.Join(dir, "world.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, now); err == nil {
		t.Error("Open = nil, want it to refuse a world of another schema")
	}
}

// What is written is what its readers read.
func TestReaders(t *testing.T) {
	w, err := Open(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range w.Cards {
		p, err := w.Card(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pivcard.New(p); err != nil {
			t.Errorf("card %s: %v", n, err)
		}
	}
	if _, err := w.Card("../world"); err == nil {
		t.Error("Card = nil, want an error for a name that is no card's")
	}
	if err := w.WriteSettings(Addresses{Screen: "127.0.0.1:1", Sync: "127.0.0.1:2", Public: "http://127.0.0.1:3", Frames: "http://127.0.0.1:4 http://localhost:4"}); err != nil {
		t.Fatal(err)
	}
	s, err := settings.Load(w.Settings())
	if err != nil {
		t.Fatal(err)
	}
	if s.Ports != w.Ports() || s.Control != w.Control() || s.Frames == "" {
		t.Errorf("Load = ports %s, control %s, frames %q", s.Ports, s.Control, s.Frames)
	}
	for _, f := range []string{s.Identity.Cert, s.Identity.Key, s.Signing.Cert, s.Signing.Key, s.Roots, s.Trust, s.Catalogue} {
		if _, err := os.Stat(f); err != nil {
			t.Errorf("settings name a file that is not there: %v", err)
		}
	}
	f, err := portal.ReadFile(w.Portal())
	if err != nil {
		t.Fatal(err)
	}
	names := []string{f.TLS.Cert, f.TLS.Key, f.Receipt.Cert, f.Register.Cert, f.TSA.Key, f.Age, f.Roots, f.Devices, f.Trust, f.Catalogue, f.Officers}
	for id, a := range f.Agencies {
		names = append(names, a.Cert, a.Key)
		if id == "" {
			t.Error("an agency has no id")
		}
	}
	for _, n := range names {
		if _, err := os.Stat(filepath.Join(w.Portal(), n)); err != nil {
			t.Errorf("portal.json names a file that is not there: %v", err)
		}
	}
	// The catalogue's agencies are those that can sign.
	signed, err := os.ReadFile(s.Trust)
	if err != nil {
		t.Fatal(err)
	}
	pemBytes, err := os.ReadFile(s.Roots)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(pemBytes)
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	b, err := trust.ParseBundle(signed, []*x509.Certificate{root}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if signed, err = os.ReadFile(s.Catalogue); err != nil {
		t.Fatal(err)
	}
	payload, _, err := trust.OpenObject(trust.KindCatalogue, signed, b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Parse(payload)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range c.Agencies {
		if _, ok := f.Agencies[a.ID]; !ok {
			t.Errorf("agency %s cannot sign: it has no key", a.ID)
		}
	}
}
