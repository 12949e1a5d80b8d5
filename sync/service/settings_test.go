package service

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/edoc/trust"
)

// TestUnknownNames finds what is misspelt or of newer software, as spec has the names.
func TestUnknownNames(t *testing.T) {
	for in, want := range map[string]string{
		`{}`: "", `[]`: "", `{"log_level": "info", "update": {"quiet": []}, "power": {"profile": "solar"}, "night": {"from": "1", "to": "2"}}`: "",
		`{"log_levle": 1, "sync": {"window": []}, "update": 5}`: "log_levle sync.window",
	} {
		if got := strings.Join(UnknownNames([]byte(in)), " "); got != want {
			t.Errorf("UnknownNames(%s) = %q, want %q", in, got, want)
		}
	}
}

// TestOpenSettings: settings are opened by the kiosk that they name, as a portal signed
// them, and nothing else is.
func TestOpenSettings(t *testing.T) {
	w := world(t)
	want := Settings{Kiosk: "K-000001", Version: 7, Issued: at, Values: []byte(`{"log_level":"debug"}`)}
	signed, err := want.Sign(w.PortalReceipt.Signer())
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenSettings(signed, w.Trust(), "K-000001")
	if err != nil || got.Version != 7 || !bytes.Equal(got.Values, want.Values) || !got.Issued.Equal(at) {
		t.Fatalf("OpenSettings = %+v, %v, want %+v", got, err, want)
	}
	device, err := want.Sign(w.Device.Signing.Signer())
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := trust.SignObjectAt(KindTicket, []byte{0xa0}, w.PortalReceipt.Signer(), at)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(signed)
	bad[len(bad)/3] ^= 1
	for name, c := range map[string]struct {
		signed []byte
		kiosk  string
	}{
		"another kiosk's": {signed, "K-000002"}, "damaged": {bad, "K-000001"}, "empty": {nil, "K-000001"}, "of a kiosk": {device, "K-000001"},
		"something else": {ticket, "K-000001"}, "too large": {make([]byte, MaxSignedSettings+1), "K-000001"},
	} {
		if _, err := OpenSettings(c.signed, w.Trust(), c.kiosk); !errors.Is(err, ErrSettings) {
			t.Errorf("%s: OpenSettings = %v, want ErrSettings", name, err)
		}
	}
	for name, s := range map[string]Settings{
		"no kiosk": {Version: 1, Issued: at, Values: []byte("{}")}, "no version": {Kiosk: "K", Issued: at, Values: []byte("{}")},
		"a list": {Kiosk: "K", Version: 1, Issued: at, Values: []byte("[]")}, "null": {Kiosk: "K", Version: 1, Issued: at, Values: []byte("null")},
		"more": {Kiosk: "K", Version: 1, Issued: at, Values: []byte("{} {}")},
		"much": {Kiosk: "K", Version: 1, Issued: at, Values: []byte(`{"a":"` + strings.Repeat("a", MaxSettings) + `"}`)},
	} {
		if _, err := s.Sign(w.PortalReceipt.Signer()); err == nil {
			t.Errorf("%s: Sign = nil, want an error", name)
		}
	}
}

// TestMerge: the later counts, objects name by name, numbers stay as they are written,
// and there is one encoding.
func TestMerge(t *testing.T) {
	for want, layers := range map[string][]string{
		`{}`:                         nil,
		`{"a":2,"b":1}`:              {`{"b": 1, "a": 1}`, `{"a": 2}`},
		`{"s":{"a":1,"b":[2]}}`:      {`{"s": {"a": 1, "b": [1]}}`, `{"s": {"b": [2]}}`},
		`{"s":"x"}`:                  {`{"s": {"a": 1}}`, `{"s": "x"}`},
		`{"n":12345678901234567890}`: {`{"n": 12345678901234567890}`},
	} {
		var in [][]byte
		for _, l := range layers {
			in = append(in, []byte(l))
		}
		if got, err := Merge(in...); err != nil || string(got) != want {
			t.Errorf("Merge(%q) = %s, %v, want %s", layers, got, err, want)
		}
	}
	if _, err := Merge([]byte("1")); err == nil {
		t.Error("Merge of a number = nil, want an error")
	}
}

// FuzzSettings: whatever comes, what is opened is in order.
func FuzzSettings(f *testing.F) {
	for _, seed := range [][]byte{
		{0xa4, 1, 0x61, 'K', 2, 1, 3, 1, 4, 0x42, '{', '}'}, {0xa0}, {}, []byte("{}"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := readSettings(b); err == nil && s.valid() != nil {
			t.Errorf("readSettings(%x) gives %+v, which is not in order", b, s)
		}
	})
}
