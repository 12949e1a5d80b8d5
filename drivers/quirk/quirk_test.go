package quirk

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	if n := len(Table()); n < 30 {
		t.Errorf("the table has %d devices, want those it came with", n)
	}
	for _, v := range []struct {
		vendor, product uint16
		want            string
	}{
		{0x1a86, 0x7523, "WCH CH340"},
		{0x04b8, 0x0e15, "Epson TM-T20II"},
		{0x04b8, 0x1111, "Epson printer"}, // by its vendor
		{0x0000, 0x0001, ""},
		{0x1a86, 0x0001, ""},
	} {
		if d, ok := Find(v.vendor, v.product); d.Name != v.want || ok != (v.want != "") {
			t.Errorf("Find(%04x, %04x) = %+v, %v, want %q", v.vendor, v.product, d, ok, v.want)
		}
	}
	if d, _ := Find(0x1a86, 0x7523); !d.Has(NoSerial) || d.Has(SharedID) {
		t.Errorf("CH340: got %v, want no-serial alone", d.Quirks)
	}
}

// TestTableIsReadStrictly: what is wrong in the table is found when it is built
// in, and not at a kiosk.
func TestTableIsReadStrictly(t *testing.T) {
	for in, want := range map[string]string{
		`[{"usb": "1a86:7523", "name": "a", "is": "modem", "quirk": []}]`:                                      "unknown field",
		`[{"usb": "1a86:7523", "name": "a", "is": "modem", "quirks": ["no-seriel"]}]`:                          "no such quirk",
		`[{"usb": "1A86:7523", "name": "a", "is": "modem"}]`:                                                   "want a number",
		`[{"usb": "1a86", "name": "a", "is": "modem"}]`:                                                        "want a number",
		`[{"usb": "1a86:7523", "is": "modem"}]`:                                                                "want a number and both",
		`[{"usb": "1a86:7523", "name": "a", "is": "modem"}, {"usb": "1a86:7523", "name": "b", "is": "modem"}]`: "names nothing twice",
		`[{"usb": "1a86:7523", "name": "a", "is": "modem"}, {"usb": "0416:5011", "name": "b", "is": "modem"}]`: "is sorted",
		`{}`: "read table",
	} {
		if _, err := parse([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parse(%s) = %v, want %q", in, err, want)
		}
	}
}
