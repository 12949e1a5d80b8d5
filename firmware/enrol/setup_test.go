package enrol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/enrol"
)

// anchor is a specimen root certificate.
func anchor(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/root.pem")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func aSetup(t testing.TB) Setup {
	return Setup{
		Kiosk: "K-000123", Place: catalog.Text{TK: "Nusga obasy", RU: "Село Нусга", EN: "Nusga village"},
		Portal: Portal{URL: "wss://portal.example:8443/sync", EST: "https://portal.example:8444"},
		Roots:  anchor(t), Code: enrol.NewCode(),
		Network: Network{
			Kind: WiFi, SSID: "Nusga", Password: Hide("gizlin açar"),
			Address: netip.MustParsePrefix("192.0.2.10/24"), Gateway: netip.MustParseAddr("192.0.2.1"), DNS: []netip.Addr{netip.MustParseAddr("192.0.2.53")},
		},
		Settings: json.RawMessage(`{"idle":{"warn_s":60},"portal":{"line":{"device":"ttyUSB0"}}}`),
	}
}

func marshalled(t testing.TB, s Setup) string {
	t.Helper()
	b, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSetupRoundTrip(t *testing.T) {
	lte := aSetup(t)
	lte.Network = Network{Kind: LTE, APN: "internet", User: "u", Password: Hide("p"), PIN: Hide("1234")}
	ask := aSetup(t)
	ask.Network, ask.Code, ask.Settings = Network{}, enrol.Code{}, nil
	for _, s := range []Setup{aSetup(t), lte, ask} {
		b := marshalled(t, s)
		got, err := ParseSetup([]byte(b))
		if err != nil {
			t.Fatal(err)
		}
		if again := marshalled(t, got); again != b {
			t.Errorf("Marshal of what was parsed = %s, want %s", again, b)
		}
		if got.Network.Password.Reveal() != s.Network.Password.Reveal() || !reflect.DeepEqual(got.Network.DNS, s.Network.DNS) {
			t.Errorf("ParseSetup of %v gives another network", s)
		}
	}
}

// What a set-up says becomes the kiosk's settings.
func TestSetupComposes(t *testing.T) {
	b, err := aSetup(t).compose("rpi4", inFiles)
	if err != nil {
		t.Fatal(err)
	}
	s, err := settings.Parse(b, "/data/kiosk")
	if err != nil {
		t.Fatal(err)
	}
	if s.Kiosk != "K-000123" || s.Board != "rpi4" || s.Roots != "/data/kiosk/roots.pem" || s.Signing.Key != "/data/kiosk/signing.key" ||
		s.IdleWarn.Seconds() != 60 || s.Portal.Line.Device != "/dev/ttyUSB0" || s.Place.TK != "Nusga obasy" {
		t.Errorf("settings of the set-up: got %+v", s)
	}
}

func TestSetupFaults(t *testing.T) {
	whole := marshalled(t, aSetup(t))
	for _, c := range []struct{ name, from, to, want string }{
		{"version", "penjire-setup/1", "penjire-setup/9", "schema: got"},
		{"unknown key", `"kiosk"`, `"kiosc"`, "kiosc: there is no such key"},
		{"case of a key", `"kiosk"`, `"Kiosk"`, "Kiosk: there is no such key"},
		{"repeated key", `"kiosk": "K-000123"`, `"kiosk": "K-000123", "kiosk": "K-000124"`, "kiosk: it is there twice"},
		{"name", "K-000123", "../../etc", "kiosk: got"},
		{"null", `"K-000123"`, "null", "kiosk: got null"},
		{"type", `"K-000123"`, "5", "kiosk: it is of another type"},
		{"network", `"wifi"`, `"lan"`, "network.kind: got"},
		{"one of another kind", `"wifi"`, `"none"`, "network.ssid: a network of kind"},
		{"portal", "wss://portal", "http://portal", "portal.url: got"},
		{"path at EST", "portal.example:8444", "portal.example:8444/x", "portal.est: got"},
		{"roots", "BEGIN CERTIFICATE", "BEGIN CERTIFICATES", "roots: "},
		{"a key among the roots", "BEGIN CERTIFICATE", "BEGIN EC PRIVATE KEY", "roots: "},
		{"setting", `"warn_s"`, `"warm_s"`, "settings.idle.warm_s: there is no such setting"},
		{"fixed setting", `"idle": {`, `"kiosk": "K-9", "idle": {`, "settings.kiosk: a set-up's settings"},
		{"address", "192.0.2.10/24", "192.0.2.10", "network.address: got"},
		{"something after", "", "", ""},
	} {
		b := strings.ReplaceAll(whole, c.from, c.to)
		if c.from == "" {
			b, c.want = whole+"x", "something follows"
		}
		if b == whole {
			t.Fatalf("%s: the set-up has no %q", c.name, c.from)
		}
		_, err := ParseSetup([]byte(b))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: ParseSetup = %v, want %q", c.name, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "gizlin") || strings.Contains(err.Error(), aSetup(t).Code.Reveal())) {
			t.Errorf("%s: the fault repeats a secret: %v", c.name, err)
		}
	}
}

// A set-up does not print its secrets, wherever it stands.
func TestSetupHides(t *testing.T) {
	s := aSetup(t)
	s.Network.PIN = Hide("90317452")
	type holder struct{ s Setup }
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		_, _ = fmt.Fprintf(&out, verb+verb+verb, s, holder{s}, &holder{s})
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", s, "h", holder{s})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "s", s, "n", s.Network, "h", holder{s})
	for _, secret := range []string{s.Code.Reveal(), s.Code.Written(), "gizlin", "90317452"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("a set-up printed %q", secret)
		}
	}
	if _, err := json.Marshal(s); err == nil {
		t.Error("json.Marshal of a set-up: got no error, want one")
	}
}

func FuzzParseSetup(f *testing.F) {
	f.Add([]byte(marshalled(f, aSetup(f))))
	f.Add([]byte(`{"schema":"penjire-setup/1","settings":[],"network":null}`))
	f.Add([]byte(`{"place":7}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSetup(b)
		if err != nil {
			return
		}
		w, err := s.Marshal()
		if err != nil {
			t.Fatalf("Marshal of what was parsed: %v", err)
		}
		if again, err := ParseSetup(w); err != nil || marshalled(t, again) != string(w) {
			t.Errorf("ParseSetup of what Marshal wrote = %v, want the same set-up", err)
		}
	})
}
