package fault_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/penjire/penjire/drivers/emulator/fault"
	"github.com/penjire/penjire/drivers/link"
)

// echo says everything back.
type echo struct{}

func (echo) Serve(line io.ReadWriter) {
	buf := make([]byte, 64)
	for {
		n, err := line.Read(buf)
		if err != nil {
			return
		}
		if _, err := line.Write(buf[:n]); err != nil {
			return
		}
	}
}

func TestFaults(t *testing.T) {
	called := 0
	for name, v := range map[string]struct {
		f    fault.Fault
		want string
	}{
		"none":   {fault.Fault{Way: fault.ToHost, Kind: fault.Drop, At: 1000}, "abcdef"},
		"drop":   {fault.Fault{Way: fault.ToHost, Kind: fault.Drop, At: 2}, "abdef"},
		"drop 3": {fault.Fault{Way: fault.ToDevice, Kind: fault.Drop, At: 2, N: 3}, "abf"},
		"flip":   {fault.Fault{Way: fault.ToHost, Kind: fault.Flip, At: 0, Mask: 0x20}, "Abcdef"},
		"flip 2": {fault.Fault{Way: fault.ToHost, Kind: fault.Flip, At: 4, N: 2, Mask: 0x20}, "abcdEF"},
		"repeat": {fault.Fault{Way: fault.ToDevice, Kind: fault.Repeat, At: 5}, "abcdeff"},
		"insert": {fault.Fault{Way: fault.ToHost, Kind: fault.Insert, At: 1, N: 2, Mask: '.'}, "a..bcdef"},
		"call":   {fault.Fault{Way: fault.ToHost, Kind: fault.Call, At: 3, Do: func() { called++ }}, "abcdef"},
	} {
		l := fault.On(echo{}, v.f)
		host, dev := link.Pipe("pipe", 64)
		done := make(chan struct{})
		go func() { defer close(done); l.Serve(dev) }()
		if _, err := host.Write([]byte("abcdef")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(v.want))
		if _, err := io.ReadFull(host, got); err != nil || !bytes.Equal(got, []byte(v.want)) {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, v.want)
		}
		if n, want := len(l.Left()), map[bool]int{true: 1}[name == "none"]; n != want {
			t.Errorf("%s: faults left: got %d, want %d", name, n, want)
		}
		if err := host.Close(); err != nil {
			t.Error(err)
		}
		<-done
	}
	if called != 1 {
		t.Errorf("call happened %d times, want once", called)
	}
}
