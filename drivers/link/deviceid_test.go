package link_test

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/penjire/penjire/drivers/link"
)

// deviceIDs are the ids of real printers, and of bad ones.
var deviceIDs = map[string]link.DeviceID{
	"MFG:EPSON;CMD:ESC/POS;MDL:TM-T20II;CLS:PRINTER;DES:EPSON TM-T20II;": {Maker: "EPSON", Model: "TM-T20II", Languages: []string{"ESC/POS"}},
	"MANUFACTURER:Hewlett-Packard;COMMAND SET:PJL,MLC, PCL;MODEL:HP LaserJet;SERN:CNB1;": {
		Maker: "Hewlett-Packard", Model: "HP LaserJet", Serial: "CNB1", Languages: []string{"PJL", "MLC", "PCL"},
	},
	"mfg:a;MFG:b;mdl: c ;MDL:;CMD:,;": {Maker: "a", Model: "c"},
	"MFG:\x1b[31mred\x00;":            {Maker: "[31mred"},
	"MDL:a:b":                         {Model: "a:b"},
	"":                                {},
	";;:;MFG":                         {},
}

func TestParseDeviceID(t *testing.T) {
	for in, want := range deviceIDs {
		if got := link.ParseDeviceID(in); !reflect.DeepEqual(got, want) {
			t.Errorf("ParseDeviceID(%q) = %+v, want %+v", in, got, want)
		}
	}
}

func FuzzParseDeviceID(f *testing.F) {
	for in := range deviceIDs {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		id := link.ParseDeviceID(in)
		all := id.Maker + id.Model + id.Serial + strings.Join(id.Languages, "")
		if len(all) > len(in) || !utf8.ValidString(all) || strings.ContainsFunc(all, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("ParseDeviceID(%q) = %+v, want no more than was there, and text", in, id)
		}
	})
}
