// Package settings reads what is different from one kiosk to the next: its
// number and place, the board it is made of, the portal it belongs to. It only
// reads and checks; what the machine is made of is data of package board.
//
// Settings are strict JSON: unknown and repeated keys, wrong types and values
// out of range are faults, and all faults are reported at once by field path.
// Zero values are the defaults that the comments say.
package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/penjire/penjire/sync/catalog"
)

// Settings are those of one kiosk. Paths are absolute or, in the file, relative
// to the folder that the file is in.
type Settings struct {
	Kiosk string       // number of the kiosk, as in its certificate: K-000001
	Place catalog.Text // where it stands, for the paper

	Board string // name of a board of package board
	Ports string // folder that relative ports of the board are below; "" is /dev

	State   string // folder for what the kiosk keeps
	Listen  string // host:port of the screens; "" is 127.0.0.1:7780. Loopback only
	Frames  string // origins whose pages may show the screens in a frame; "": none. Loopback only, for the bench
	Control string // unix socket of the state page; "" is state/control.sock

	Portal   Portal
	Sync     Sync
	Update   Update
	Identity Pair    // for TLS to the portal
	Signing  Pair    // signs as intermediary, and receipts' seals; "" as Identity
	Counter  Counter // of the journal's heads; "" in the TPM of Signing, if that is where its key is

	Roots     string // PEM file: root certificates of the trust bundle and of the portal
	Trust     string // signed trust bundle the kiosk came with
	Catalogue string // signed catalogue it came with

	IdleWarn     time.Duration // a page that nobody touches asks; 0 is 90 s
	IdleEnd      time.Duration // after the question the visit ends; 0 is 30 s
	BeaconMaxAge time.Duration // no binding requests when the last signed time is older; 0 is 30 days
	MM           float64       // pixels per millimetre; 0: the board's
	OutboxMax    int64         // bytes the outbox may grow to; 0 is 1 GiB
	Mirror       string        // folder on a second medium for a copy of the outbox; "" is none
	Night        Window        // nobody is expected then: the screen is as dim as it gets while nobody is there; zero: never
	Stick        string        // folder where a memory stick is mounted; "" is /media/stick
	Phone        string        // of who helps, for screens of trouble: +993 12 94-00-11; "": not known
	Overdue      time.Duration // a request may wait that long for the portal's receipt before other steps are due (ED-25); 0 is 24 h
}

// Portal is the portal the kiosk belongs to.
type Portal struct {
	URL        string // wss://host:port/sync
	EST        string // where certificates are renewed, https://host:port; "": nowhere
	PublicURL  string // base of the addresses in printed codes; "" is the URL's host over https
	ServerName string // in the portal's certificate; "" is the URL's host
	Line       Line   // where URL does not answer; zero: there is none
}

// Sync is when the kiosk may speak to the portal, and how much a day.
type Sync struct {
	Windows     []Window // none: always
	BytesPerDay int64    // 0: no limit
}

// Window is a time of day, in Turkmenistan. It goes over midnight where To is not
// above From.
type Window struct {
	Days     []time.Weekday // on which it begins; none: every day
	From, To time.Duration  // since midnight
}

// Line is a serial line to the portal: a radio modem.
type Line struct {
	Device     string // below Ports
	Baud       int    // 0 is 1200
	HalfDuplex bool   // one end speaks at a time
}

// Load reads the settings in the file at path.
func Load(path string) (Settings, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Settings{}, fmt.Errorf("settings: %w", err)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return Settings{}, fmt.Errorf("settings: %w", err)
	}
	s, err := Parse(b, filepath.Dir(abs))
	if err != nil {
		return Settings{}, fmt.Errorf("settings: %s: %w", path, err)
	}
	return s, nil
}

// Parse reads settings whose relative paths are below dir. Its error is a
// [Faults] when the JSON itself is in order.
func Parse(b []byte, dir string) (Settings, error) {
	tree, err := decode(b)
	if err != nil {
		return Settings{}, err
	}
	var fs Faults
	n := node{path: "settings", v: tree, fs: &fs}
	n.only("kiosk", "place", "board", "ports", "state", "listen", "frames", "control", "portal", "sync", "update", "identity", "signing", "counter",
		"roots", "trust", "catalogue", "idle", "beacon_max_age_days", "mm", "outbox", "stick", "overdue_h", "night", "phone")
	s := Settings{
		Kiosk:     n.key("kiosk").must().name(),
		Place:     n.key("place").place(),
		Board:     n.key("board").must().name(),
		Ports:     n.key("ports").file(dir),
		State:     n.key("state").must().file(dir),
		Listen:    n.key("listen").loopback(),
		Frames:    n.key("frames").origins(),
		Control:   n.key("control").file(dir),
		Portal:    n.key("portal").must().portal(),
		Sync:      n.key("sync").sync(),
		Update:    n.key("update").update(dir),
		Identity:  n.key("identity").must().pair(dir),
		Signing:   n.key("signing").pair(dir),
		Counter:   n.key("counter").counter(dir),
		Roots:     n.key("roots").must().file(dir),
		Trust:     n.key("trust").must().file(dir),
		Catalogue: n.key("catalogue").must().file(dir),
	}
	idle := n.key("idle")
	idle.only("warn_s", "end_s")
	s.IdleWarn = time.Duration(idle.key("warn_s").number(1, 3600) * float64(time.Second))
	s.IdleEnd = time.Duration(idle.key("end_s").number(1, 3600) * float64(time.Second))
	s.BeaconMaxAge = time.Duration(n.key("beacon_max_age_days").number(1, 3660) * 24 * float64(time.Hour))
	s.MM = n.key("mm").number(1, 40)
	box := n.key("outbox")
	box.only("max_size", "mirror")
	s.Mirror = box.key("mirror").file(dir)
	s.OutboxMax = int64(box.key("max_size").number(2<<20, 1<<40))
	s.Stick = n.key("stick").file(dir)
	s.Phone = n.key("phone").phone()
	if n := n.key("night"); n.v != nil {
		s.Night = n.window()
	}
	s.Overdue = time.Duration(n.key("overdue_h").number(1, 24*30) * float64(time.Hour))
	if len(fs) > 0 {
		return Settings{}, fs
	}
	return s.withDefaults(), nil
}

func (s Settings) withDefaults() Settings {
	or := func(p *string, d string) {
		if *p == "" {
			*p = d
		}
	}
	or(&s.Ports, "/dev")
	or(&s.Listen, "127.0.0.1:7780")
	or(&s.Control, filepath.Join(s.State, "control.sock"))
	if s.Signing == (Pair{}) {
		s.Signing = s.Identity
	}
	if s.Counter == (Counter{}) && s.Signing.TPM.Device != "" {
		s.Counter = Counter{Device: s.Signing.TPM.Device, Index: defaultIndex}
	}
	if d := s.Portal.Line.Device; d != "" && !filepath.IsAbs(d) {
		s.Portal.Line.Device = filepath.Join(s.Ports, d)
	}
	u := s.Portal.host()
	or(&s.Portal.ServerName, u)
	or(&s.Portal.PublicURL, "https://"+u)
	if s.IdleWarn == 0 {
		s.IdleWarn = 90 * time.Second
	}
	if s.IdleEnd == 0 {
		s.IdleEnd = 30 * time.Second
	}
	if s.BeaconMaxAge == 0 {
		s.BeaconMaxAge = 30 * 24 * time.Hour
	}
	or(&s.Stick, "/media/stick")
	s.Update = s.Update.withDefaults(s.State)
	if s.Overdue == 0 {
		s.Overdue = 24 * time.Hour
	}
	if s.OutboxMax == 0 {
		s.OutboxMax = 1 << 30
	}
	return s
}
