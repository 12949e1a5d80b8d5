package registry

import (
	"reflect"
	"testing"

	"github.com/penjire/penjire/drivers/link"
)

func TestPort(t *testing.T) {
	even := serialOptions{Baud: 38400, Parity: "even", RTSCTS: true}
	for _, v := range []struct {
		o    serialOptions
		name string
		want link.Port // nil: refused
	}{
		{even, "/dev/ttyS0", link.Serial{Path: "/dev/ttyS0", Baud: 38400, Parity: link.ParityEven, RTSCTS: true}},
		{serialOptions{}, "/dev/serial/by-path/pci-0000:01:00.0-usb-0:1.1:1.0-port0", link.Serial{Path: "/dev/serial/by-path/pci-0000:01:00.0-usb-0:1.1:1.0-port0"}},
		{even, "/dev/usb/lp1", link.USBLP{Path: "/dev/usb/lp1"}},
		{even, "usblp:/run/lp", link.USBLP{Path: "/run/lp"}},
		{even, "tcp:192.0.2.7:9100", link.TCP{Addr: "192.0.2.7:9100"}},
		{even, "tcp:[2001:db8::7]:9100", link.TCP{Addr: "[2001:db8::7]:9100"}},
		{even, "tcp:192.0.2.7", nil},
		{even, "tcp::9100", nil},
		{serialOptions{Parity: "mark"}, "/dev/ttyS0", nil},
		{serialOptions{Data: 9}, "/dev/ttyS0", nil},
		{serialOptions{Stop: 3}, "/dev/ttyS0", nil},
	} {
		got, err := v.o.port(v.name)
		if (err != nil) != (v.want == nil) || err == nil && !reflect.DeepEqual(got, v.want) {
			t.Errorf("port(%+v, %q) = %#v, %v, want %#v", v.o, v.name, got, err, v.want)
		}
	}
}
