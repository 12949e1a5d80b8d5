package bench

import (
	"encoding/json"
	"image"
	"image/color"
	"net/http"
	"path/filepath"
	"testing"

	"rsc.io/qr"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/registry"
	"github.com/penjire/penjire/firmware/cashbook"
)

// loaded opens the bench's device at a port with the driver that ships, as a kiosk
// would.
func loaded[D device.Device](t *testing.T, r running, driver, port, options string) D {
	t.Helper()
	rs := registry.Load([]registry.Want{{
		Name: port, Driver: driver, Port: filepath.Join(r.state().Dir, "kiosk", "ports", port), Options: json.RawMessage(options),
	}})
	t.Cleanup(func() {
		if err := registry.Halt(rs); err != nil {
			t.Error(err)
		}
	})
	d, ok := rs[0].Device.(D)
	if !ok {
		t.Fatalf("load %s = %v, %v", driver, rs[0].State, rs[0].Err)
	}
	return d
}

// awaits waits for a change at a device.
func awaits(t *testing.T, d device.Watcher, what string, ok func() bool) {
	t.Helper()
	changes := d.Changes(t.Context())
	for !ok() {
		if _, open := <-changes; !open {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

func online(t *testing.T, d device.Watcher) {
	t.Helper()
	awaits(t, d, "online", func() bool { return d.Health() == device.Online })
}

// The code on a receipt is read when the receipt is held before the scanner.
func TestScanner(t *testing.T) {
	r := start(t)
	d := loaded[device.CodeScanner](t, r, "ssi", "scanner", "")
	online(t, d)
	if code, _, e := r.post("scanner", `{"paper":0}`); code != http.StatusConflict {
		t.Errorf("hold no paper = %d %s, want 409", code, e)
	}
	p := loaded[interface {
		device.ReceiptPrinter
		device.Watcher
	}](t, r, "escpos", "printer", `{"width":576}`)
	online(t, p)
	if _, err := p.Print(t.Context(), drawn(t, "HTTPS://PORTAL.SPECIMEN/S/0123")); err != nil {
		t.Fatal(err)
	}
	for order, want := range map[string]string{
		`{"paper":0}`:    "HTTPS://PORTAL.SPECIMEN/S/0123",
		`{"show":"abc"}`: "abc",
	} {
		got := make(chan device.Code, 1)
		go func() {
			c, err := d.Scan(t.Context())
			if err != nil {
				t.Error(err)
			}
			got <- c
		}()
		for !r.state().Devices.Scanner.Lit {
		}
		r.ok("scanner", order)
		if c := <-got; string(c.Data) != want {
			t.Errorf("scanner %s: read %q, want %q", order, c.Data, want)
		}
	}
}

// drawn is a paper with a code on it.
func drawn(t *testing.T, text string) image.Image {
	t.Helper()
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	const dots, edge = 4, 60
	img := image.NewGray(image.Rect(0, 0, 576, c.Size*dots+2*edge))
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			if !c.Black((x-edge)/dots, (y-edge)/dots) || x < edge || y < edge {
				img.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	return img
}

// Switches reach the sensors' drivers, and a board without its cable says nothing.
func TestCabinet(t *testing.T) {
	r := start(t)
	door := loaded[device.Sensor](t, r, "firmata-sensor", "io", `{"line":"D2","kind":"cabinetDoor","active":"high","pull":"up"}`)
	is := func(want device.Contact) func() bool {
		return func() bool { c, _ := door.Contact(); return c == want }
	}
	awaits(t, door, "the door is closed", is(device.ContactIdle))
	if s := r.ok("cabinet", `{"door":"open","supply":"failing"}`).Devices.Cabinet; s.Door != "open" || s.Supply != "failing" || s.Tamper != "whole" {
		t.Errorf("cabinet = %+v, want the door open and the supply failing", s)
	}
	awaits(t, door, "the door is open", is(device.ContactActive))
	r.ok("cabinet", `{"link":"unplugged"}`)
	awaits(t, door, "nobody knows", is(device.ContactUnknown))
	for _, o := range []string{`{"door":"ajar"}`, `{"door":"closed","tamper":"x"}`, `{"link":"x"}`} {
		if code, _, _ := r.post("cabinet", o); code != http.StatusBadRequest {
			t.Errorf("POST cabinet %s = %d, want 400", o, code)
		}
	}
	if s := r.state().Devices.Cabinet; s.Door != "open" || s.Link != "unplugged" {
		t.Errorf("refused orders changed the cabinet: %+v", s)
	}
}

// A validator takes nothing while nobody pays.
func TestNotes(t *testing.T) {
	r := start(t)
	d := loaded[device.CashAcceptor](t, r, "ccnet", "notes", `{"countries":{"TKM":"TMT"},"unit":100}`)
	book, err := cashbook.For(d, t.TempDir(), "notes")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := book.Close(); err != nil {
			t.Error(err)
		}
	})
	online(t, d)
	if code, _, e := r.post("notes", `{"insert":20}`); code != http.StatusConflict {
		t.Errorf("a bill that nobody asked for = %d %s, want 409", code, e)
	}
	for _, o := range []string{
		`{"insert":3}`, `{"trouble":"sad"}`, `{"power":"maybe"}`, `{"link":"x"}`, `{"at":"inside"}`, `{"power":"off","at":"dawn"}`,
	} {
		if code, _, _ := r.post("notes", o); code != http.StatusBadRequest {
			t.Errorf("POST notes %s = %d, want 400", o, code)
		}
	}
	if s := r.ok("notes", `{"trouble":"jam"}`).Devices.Notes; s.Trouble != "jam" || s.Cassette != 0 {
		t.Errorf("notes = %+v, want a jam and nothing in the box", s)
	}
	awaits(t, d, "the jam is known", func() bool { return d.Health() != device.Online })
	if s := r.ok("notes", `{"trouble":"none","power":"off"}`).Devices.Notes; s.Power != "off" {
		t.Errorf("notes = %+v, want no power", s)
	}
}
