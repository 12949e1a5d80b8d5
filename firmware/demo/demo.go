// Package demo keeps a whole demonstration world on disk: a root and its
// certification centres, a portal, agencies, one kiosk, and specimen cards, all
// made by sync/edoc/specimen. Nobody in it exists.
//
//	world.json            when it was made
//	portal/               the portal's folder: portal.json, keys, ledger
//	kiosk/                the kiosk's: settings.json, keys, trust bundle, catalogue
//	kiosk/ports/          where the emulated devices' ports appear
//	kiosk/state/          what the kiosk keeps
//	new/                  a second board's folder, once it was put in: setup.json, and what it enrols to
//	cards/NAME.json       specimen cards, for the emulated reader
//	check/                what anyone verifies with: roots, centres, lists, trust bundle
//
// Private keys stand there in the clear: a demonstration protects nothing.
package demo

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/penjire/penjire/drivers/emulator/pivcard"
	"github.com/penjire/penjire/drivers/piv"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/desk"
)

// World is a demonstration world on disk.
type World struct {
	Dir  string
	Made time.Time
	// Cards are the names of the cards, the citizens' first.
	Cards []string

	fresh bool // its kiosk is the new board
}

// mark is world.json. It is written last: a world without it is not whole.
type mark struct {
	Schema string    `json:"schema"` // "demo-world/1"
	Made   time.Time `json:"made"`
	Cards  []string  `json:"cards"`
}

const schema = "demo-world/1"

// Stale is how old a world may be before its certificates' revocation lists
// are: they are valid for 30 days, and a demonstration issues no new ones.
const Stale = 29 * 24 * time.Hour

// Open opens the world in dir, or makes one as of now where there is none. It
// changes nothing of a world that is there.
func Open(dir string, now time.Time) (*World, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("demo: open world: %w", err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "world.json"))
	if errors.Is(err, os.ErrNotExist) {
		return build(dir, now)
	}
	if err != nil {
		return nil, fmt.Errorf("demo: open world: %w", err)
	}
	var m mark
	if err := json.Unmarshal(b, &m); err != nil || m.Schema != schema {
		return nil, fmt.Errorf("demo: open world: %s is not a %s", filepath.Join(dir, "world.json"), schema)
	}
	return &World{Dir: dir, Made: m.Made, Cards: m.Cards}, nil
}

// Portal is the portal's folder.
func (w *World) Portal() string { return filepath.Join(w.Dir, "portal") }

// Kiosk is the kiosk's folder.
func (w *World) Kiosk() string {
	if w.fresh {
		return filepath.Join(w.Dir, "new")
	}
	return filepath.Join(w.Dir, "kiosk")
}

// Settings is the kiosk's settings file.
func (w *World) Settings() string { return filepath.Join(w.Kiosk(), "settings.json") }

// Ports is the folder in which the kiosk's board looks for its devices: whichever
// board is in the cabinet has the same.
func (w *World) Ports() string { return filepath.Join(w.Dir, "kiosk", "ports") }

// Control is the kiosk's control socket.
func (w *World) Control() string { return filepath.Join(w.Kiosk(), "state", "control.sock") }

// Card reads the card of that name.
func (w *World) Card(name string) (pivcard.Profile, error) {
	for _, n := range w.Cards {
		if n == name {
			b, err := os.ReadFile(filepath.Join(w.Dir, "cards", name+".json"))
			if err != nil {
				return pivcard.Profile{}, fmt.Errorf("demo: read card: %w", err)
			}
			return pivcard.ParseProfile(b)
		}
	}
	return pivcard.Profile{}, fmt.Errorf("demo: read card: there is no card %q", name)
}

// build makes the world.
func build(dir string, now time.Time) (*World, error) {
	for _, kept := range []string{"portal/ledger.db", "kiosk/state"} {
		if _, err := os.Stat(filepath.Join(dir, kept)); err == nil {
			// Someone's requests, and no keys to read them with: not ours to
			// overwrite.
			return nil, fmt.Errorf("demo: make world: %s is there, but no world.json: choose another folder, or clear this one", filepath.Join(dir, kept))
		}
	}
	s, err := specimen.New(now)
	if err != nil {
		return nil, fmt.Errorf("demo: make world: %w", err)
	}
	f := files{dir: dir}
	f.portal(s)
	f.kiosk(s)
	f.check(s)
	w := &World{Dir: dir, Made: s.Made}
	for _, c := range s.Cards {
		w.Cards = append(w.Cards, c.Name)
		f.card(c)
	}
	b, err := json.MarshalIndent(mark{schema, s.Made, w.Cards}, "", "  ")
	f.keep(err)
	f.write("world.json", b)
	if f.err != nil {
		return nil, fmt.Errorf("demo: make world in %s: %w", dir, f.err)
	}
	return w, nil
}

// files writes files below dir until the first error.
type files struct {
	dir string
	err error
}

func (f *files) keep(err error) {
	if f.err == nil {
		f.err = err
	}
}

// write replaces a file whole: a bench that is stopped in the middle leaves
// either the old one or the new one.
func (f *files) write(name string, b []byte) {
	if f.err != nil {
		return
	}
	name = filepath.Join(f.dir, name)
	if f.err = os.MkdirAll(filepath.Dir(name), 0o700); f.err != nil {
		return
	}
	if f.err = os.WriteFile(name+".new", b, 0o600); f.err == nil {
		f.err = os.Rename(name+".new", name)
	}
}

// pair writes key and certificates of an identity and returns their names.
func (f *files) pair(folder, name string, id specimen.Identity) portal.Pair {
	p := portal.Pair{Cert: name + ".crt", Key: name + ".key"}
	f.write(filepath.Join(folder, p.Cert), id.CertPEM())
	f.write(filepath.Join(folder, p.Key), id.KeyPEM())
	return p
}

func (f *files) portal(s *specimen.World) {
	p := portal.File{
		Name: "portal.specimen", Host: "portal.specimen",
		TLS:      f.pair("portal", "tls", s.PortalTLS),
		Receipt:  f.pair("portal", "receipt", s.PortalReceipt),
		Register: f.pair("portal", "register", s.Register),
		TSA:      f.pair("portal", "tsa", s.TSA),
		Agencies: map[string]portal.Pair{},
		Age:      "age.txt", Roots: "roots.pem", Devices: "devices.pem",
		Trust: "trust.cbor", Catalogue: "catalogue.cbor", Officers: "officers.json", Ledger: "ledger.db",
	}
	for id, a := range s.Agencies {
		p.Agencies[id] = f.pair("portal", "agency-"+id, a)
	}
	if f.err == nil { // their folder is there by now
		f.keep(desk.WriteOfficers(filepath.Join(f.dir, "portal", p.Officers), officers()))
	}
	p.Enrol = &portal.Enrol{Issuer: f.pair("portal", "kiosks", s.Infrastructure), Codes: "enrol.key"}
	var codes [32]byte
	_, _ = rand.Read(codes[:]) // never fails
	f.write("portal/enrol.key", []byte(hex.EncodeToString(codes[:])+"\n"))
	f.write("portal/age.txt", []byte(s.AgeIdentity+"\n"))
	f.write("portal/roots.pem", s.RootPEM())
	f.write("portal/devices.pem", s.Infrastructure.CertPEM())
	f.write("portal/trust.cbor", s.Bundle())
	f.write("portal/catalogue.cbor", f.catalogue(s))
	if f.err == nil {
		f.keep(portal.WriteFile(filepath.Join(f.dir, "portal"), p))
	}
}

// OfficerPassword is the password of every specimen officer.
const OfficerPassword = "nusga"

// Operator signs in at the desk to see the kiosks, with the same password.
const Operator = "operator"

// Officers sign in at the desk: one for each agency.
var Officers = []struct{ ID, Name, Agency string }{
	{"registry", "NUSGA Ýazgyýewa", "civil-registry"},
	{"employment", "NUSGA Işçiýew", "employment-service"},
	{"ombudsman", "NUSGA Adalatow", "ombudsman"},
}

func officers() []desk.Officer {
	out := []desk.Officer{{ID: Operator, Name: "NUSGA Gözegçiýew", Operator: true, Password: desk.HashPassword(OfficerPassword)}}
	for _, o := range Officers {
		out = append(out, desk.Officer{ID: o.ID, Name: o.Name, Agency: o.Agency, Password: desk.HashPassword(OfficerPassword)})
	}
	return out
}

func (f *files) catalogue(s *specimen.World) []byte {
	c, err := packs.Catalogue(1)
	if err != nil {
		f.keep(err)
		return nil
	}
	b, err := c.Marshal()
	if err != nil {
		f.keep(err)
		return nil
	}
	signed, err := trust.SignObjectAt(trust.KindCatalogue, b, s.Register.Signer(), s.Made)
	f.keep(err)
	return signed
}

func (f *files) kiosk(s *specimen.World) {
	f.pair("kiosk", "identity", s.Device.TLS)
	f.pair("kiosk", "signing", s.Device.Signing)
	f.write("kiosk/roots.pem", s.RootPEM())
	f.write("kiosk/trust.cbor", s.Bundle())
	if f.err == nil {
		b, err := os.ReadFile(filepath.Join(f.dir, "portal", "catalogue.cbor"))
		f.keep(err)
		f.write("kiosk/catalogue.cbor", b)
	}
	f.keep(os.MkdirAll(filepath.Join(f.dir, "kiosk", "ports"), 0o700))
}

func (f *files) check(s *specimen.World) {
	f.write("check/roots.pem", s.RootPEM())
	f.write("check/centres.pem", s.CentresPEM())
	f.write("check/lists.pem", s.CRLsPEM())
	f.write("check/trust.cbor", s.Bundle())
}

func (f *files) card(c specimen.Card) {
	p := pivcard.Profile{PIN: c.PIN, PUK: c.PUK, Slots: map[piv.Slot]pivcard.Slot{}}
	for slot, id := range c.Slots {
		p.Slots[piv.Slot(slot)] = pivcard.Slot{Key: id.Key, Cert: id.Cert.Raw}
	}
	b, err := p.Marshal()
	f.keep(err)
	f.write(filepath.Join("cards", c.Name+".json"), b)
}
