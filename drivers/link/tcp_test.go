package link_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// TestHalfOpen: a far end whose machine takes the call and whose program never
// comes looks connected. A deadline finds it, and a Write to it is bounded.
func TestHalfOpen(t *testing.T) {
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.TCP{Addr: far.Addr().String()}.Open(t.Context())
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	if err := errors.Join(l.SetReadDeadline(time.Now().Add(20*time.Millisecond)), l.SetWriteDeadline(time.Now().Add(time.Minute))); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Write([]byte("are you there?")); err != nil {
		t.Errorf("Write = %v, want nil: the kernel has it", err)
	}
	if _, err := l.Read(make([]byte, 1)); !errors.Is(err, device.ErrTimeout) {
		t.Errorf("Read = %v, want ErrTimeout", err)
	}
	if err := errors.Join(l.Close(), far.Close()); err != nil {
		t.Error(err)
	}
}
