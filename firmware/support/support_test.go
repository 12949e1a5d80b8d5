package support

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc"
)

var at = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"2026-11-30T07:43:11+0000 kiosk penjired[812]: condition code=printer.gone holds=true": "2026-11-30T07:43:11+0000 kiosk penjired[812]: condition code=printer.gone holds=true",
		"time=2026-11-30T07:43:11.123Z level=INFO msg=ready":                                   "time=2026-11-30T07:43:11.123Z level=INFO msg=ready",
		"mail of aman@example.tm":            "mail of [mail]",
		"call +993 65 12-34-56":              "call [number]",
		"passport 123456789":                 "passport [number]",
		"exit status 12345678":               "exit status 12345678",
		"name Аман Аманов, Gülşat":           "name [letters] [letters], G[letters]l[letters]at",
		"GET https://p.example/s?code=ABCDE": "GET https://p.example/s?[query]",
		`wlan0: SSID="Amanow öýi" joined`:    "wlan0: SSID=[network] joined",
	} {
		if got := string(Redact([]byte(in))); got != want {
			t.Errorf("%q:\n got %q\nwant %q", in, got, want)
		}
	}
}

// Every tracking code is found, as it is printed and as it is typed.
func TestRedactCodes(t *testing.T) {
	for i := range 200 {
		code := edoc.ID{byte(i), byte(i * 7), byte(i * 31)}.Code()
		for _, s := range []string{code, code[:5] + "-" + code[5:], code[:5] + "·" + code[5:]} {
			if got := string(Redact([]byte("status " + s + " failed"))); strings.Contains(got, code[:5]) || strings.Contains(got, code[5:]) {
				t.Fatalf("the code is in %q", got)
			}
		}
	}
}

func TestBundle(t *testing.T) {
	parts := func() []Part {
		return []Part{
			{Name: "state.json", What: "the kiosk's state", Data: []byte("{}\n")},
			{Name: "log.txt", What: "logs", Err: errors.New("journalctl: of +993 65 123456")},
			{Name: "long.txt", What: "a long one", Data: bytes.Repeat([]byte("x"), MaxPart+10)},
		}
	}
	b, err := Bundle("K-000001", "1.2", at, parts())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Bundle("K-000001", "1.2", at, parts())
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("the same parts made another bundle: %v", err)
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		c, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got[f.Name] = string(c)
	}
	if len(got) != 3 || got["state.json"] != "{}\n" || len(got["long.txt"]) > MaxPart+100 {
		t.Errorf("files: %d", len(got))
	}
	for _, want := range []string{"K-000001", "log.txt: logs. MISSING: journalctl: of [number]", "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356"} {
		if !strings.Contains(got["about.txt"], want) {
			t.Errorf("about.txt has no %q:\n%s", want, got["about.txt"])
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add([]byte("call +993 65 12-34-56 at https://x/y?z\n\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range stamp.ReplaceAll(Redact(b), nil) {
			if c >= 0x80 {
				t.Fatalf("%q has letters left", Redact(b))
			}
		}
	})
}
