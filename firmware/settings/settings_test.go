package settings

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const good = `{
	"kiosk": "K-000001", "place": {"tk": "Nusga obasy", "ru": "Село Образец", "en": "Specimen village"},
	"board": "bench", "ports": "ports", "state": "kiosk",
	"portal": {"url": "wss://localhost:7443/sync", "line": {"device": "radio", "baud": 1200, "half_duplex": true}},
	"identity": {"cert": "tls.crt", "key": "/keys/tls.key"},
	"roots": "roots.pem", "trust": "trust.cbor", "catalogue": "catalogue.cbor",
	"outbox": {"mirror": "/mnt/mirror/penjire"}, "idle": {"warn_s": 60}, "beacon_max_age_days": 7
}`

func TestParse(t *testing.T) {
	s, err := Parse([]byte(good), "/etc/penjire")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ what, got, want string }{
		{"state", s.State, "/etc/penjire/kiosk"},
		{"control", s.Control, "/etc/penjire/kiosk/control.sock"},
		{"identity.key", s.Identity.Key, "/keys/tls.key"},
		{"signing.cert", s.Signing.Cert, "/etc/penjire/tls.crt"},
		{"listen", s.Listen, "127.0.0.1:7780"},
		{"portal.server_name", s.Portal.ServerName, "localhost"},
		{"portal.public_url", s.Portal.PublicURL, "https://localhost"},
		{"portal.line.device", s.Portal.Line.Device, "/etc/penjire/ports/radio"},
		{"outbox.mirror", s.Mirror, "/mnt/mirror/penjire"},
		{"place.ru", s.Place.RU, "Село Образец"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.what, tt.got, tt.want)
		}
	}
	if l := s.Portal.Line; l.Baud != 1200 || !l.HalfDuplex {
		t.Errorf("portal.line: got %+v, want 1200 baud, half-duplex", l)
	}
	if s.IdleWarn != time.Minute || s.IdleEnd != 30*time.Second || s.BeaconMaxAge != 7*24*time.Hour {
		t.Errorf("times: got %v, %v, %v; want 1m, 30s, 168h", s.IdleWarn, s.IdleEnd, s.BeaconMaxAge)
	}
}

// All faults come at once, each with the path of its field.
func TestParseFaults(t *testing.T) {
	bad := strings.NewReplacer(
		`"kiosk": "K-000001"`, `"kiosk": "K 1"`,
		`"board": "bench"`, `"bord": "bench"`,
		`"wss://localhost:7443/sync"`, `"http://localhost"`,
		`"state": "kiosk"`, `"state": 7, "listen": "0.0.0.0:80"`,
		`"warn_s": 60`, `"warn_s": -1`,
		`"device": "radio", "baud": 1200, "half_duplex": true`, `"baud": 50, "half_duplex": 1, "parity": "odd"`,
	).Replace(good)
	_, err := Parse([]byte(bad), "/etc")
	var fs Faults
	if !errors.As(err, &fs) {
		t.Fatalf("Parse = %v, want Faults", err)
	}
	for _, want := range []string{
		`settings.kiosk: got "K 1"`, "settings.board: missing", "settings.bord: there is no such setting",
		`settings.portal.url: got "http://localhost"`, "settings.state: got a number, want a text",
		`settings.listen: got "0.0.0.0:80"`, "settings.idle.warn_s: got -1, want 1 to 3600",
		"settings.portal.line.device: missing", "settings.portal.line.baud: got 50", "settings.portal.line.half_duplex: got a number",
		"settings.portal.line.parity: there is no such setting",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("faults do not say %q:\n%v", want, err)
		}
	}
	if len(fs) != 11 {
		t.Errorf("faults: got %d, want 11:\n%v", len(fs), err)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"a repeated key":      `{"kiosk": "a", "kiosk": "b"}`,
		"something after":     good + `{}`,
		"a list":              `[]`,
		"nothing":             ``,
		"an unfinished value": `{"kiosk": `,
	} {
		if _, err := Parse([]byte(in), "/"); err == nil {
			t.Errorf("Parse of %s succeeded", name)
		}
	}
}

// A value that looks like one and works for nobody is a fault too.
func TestParseRefusesNonsense(t *testing.T) {
	for name, v := range map[string]string{
		"portal.public_url": `"portal": {"public_url": "ftp://localhost", `,
		"listen":            `"listen": "127.0.0.1:", "portal": {`,
		"listen ":           `"listen": "127.0.0.1:99999", "portal": {`,
	} {
		in := strings.Replace(good, `"portal": {`, v, 1)
		_, err := Parse([]byte(in), "/")
		if err == nil || !strings.Contains(err.Error(), "settings."+strings.TrimSpace(name)+": got") {
			t.Errorf("Parse with %s: got %v, want a fault of %s", v, err, name)
		}
	}
	_, err := Parse([]byte(strings.Replace(good, "localhost", "", 1)), "/")
	if err == nil || !strings.Contains(err.Error(), "settings.portal.url: got") {
		t.Errorf("Parse with a portal without a host: got %v, want a fault of portal.url", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"idle": []}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := Parse(b, "/x"); err == nil && (s.Kiosk == "" || s.State == "" || s.Portal.URL == "") {
			t.Errorf("settings without what must be there were taken: %+v", s)
		}
	})
}

// What may frame the screens goes into a security header: nothing but
// loopback origins passes.
func TestFrames(t *testing.T) {
	for in, ok := range map[string]bool{
		"": true, "http://127.0.0.1:8080": true, "http://127.0.0.1:8080  http://localhost:8080": true,
		"*": false, "http://example.org:80": false, "http://127.0.0.1:80/x": false, "http://127.0.0.1": false,
		"http://127.0.0.1:80; script-src *": false, "https://127.0.0.1:80": false, "http://a@127.0.0.1:80": false,
	} {
		var fs Faults
		node{path: "settings.frames", v: in, fs: &fs}.origins()
		if got := len(fs) == 0; got != ok {
			t.Errorf("frames %q: accepted %v, want %v (%v)", in, got, ok, fs)
		}
	}
}
