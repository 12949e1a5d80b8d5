package serialscan_test

import (
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/serialscan"
)

func TestCutAIM(t *testing.T) {
	for in, want := range map[string]struct {
		sym  device.Symbology
		rest string
		ok   bool
	}{
		"]Q1HTTPS://X":  {device.QRCode, "HTTPS://X", true},
		"]d2abc":        {device.DataMatrix, "abc", true},
		"]L2]Q1":        {device.PDF417, "]Q1", true},
		"]z0":           {device.Aztec, "", true},
		"]C1\x1d0104":   {device.Code128, "\x1d0104", true},
		"]E04006381333": {device.AnyCode, "4006381333", true},
		"]Q":            {"", "]Q", false},
		"]9x":           {"", "]9x", false},
		"Q1]":           {"", "Q1]", false},
		"":              {"", "", false},
	} {
		sym, rest, ok := serialscan.CutAIM([]byte(in))
		if sym != want.sym || string(rest) != want.rest || ok != want.ok {
			t.Errorf("CutAIM(%q) = %q, %q, %v, want %+v", in, sym, rest, ok, want)
		}
	}
}

func FuzzCutAIM(f *testing.F) {
	for _, s := range []string{"]Q1x", "]d2", "]", "x]Q1", "]E0\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		sym, rest, ok := serialscan.CutAIM(b)
		if ok != (len(rest) == len(b)-3) || ok == (sym == "") || !ok && len(rest) != len(b) {
			t.Errorf("CutAIM(%q) = %q, %q, %v", b, sym, rest, ok)
		}
	})
}

func TestOptions(t *testing.T) {
	port := link.Serial{Path: "/dev/null/none"}
	for name, o := range map[string]serialscan.Opts{
		"suffix":           {Suffix: "tab"},
		"gap":              {Gap: -time.Second},
		"length":           {Max: -1},
		"reopen":           {Reopen: -1},
		"stop alone":       {Stop: []byte{1}},
		"answer to no one": {Answer: []byte{6}},
	} {
		if d, err := serialscan.New(port, o); err == nil {
			t.Errorf("%s: New = nil, want an error", name)
			_ = d.Halt()
		}
	}
	if _, err := serialscan.New(nil, serialscan.Opts{}); err == nil {
		t.Error("New without a port = nil, want an error")
	}
}
