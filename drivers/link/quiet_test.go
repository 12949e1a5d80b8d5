package link_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// TestQuiet: what comes meanwhile is gone, and a device that never stops does not
// keep whoever waits.
func TestQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, dev := link.Pipe("pipe", 64)
		if _, err := dev.Write([]byte("old news")); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := link.Quiet(host, 20*time.Millisecond); err != nil || time.Since(start) != 20*time.Millisecond {
			t.Errorf("Quiet = %v after %v, want nil after 20 ms", err, time.Since(start))
		}
		if _, err := host.Read(make([]byte, 1)); !errors.Is(err, device.ErrTimeout) {
			t.Errorf("Read = %v, want nothing left", err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				if _, err := dev.Write([]byte{1}); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}()
		if err := link.Quiet(host, 20*time.Millisecond); err != nil {
			t.Errorf("Quiet on a line that is never quiet = %v, want nil", err)
		}
		if err := host.Close(); err != nil {
			t.Fatal(err)
		}
		if err := link.Quiet(host, 20*time.Millisecond); !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Quiet on a line that is gone = %v, want ErrUnplugged", err)
		}
		<-ended
	})
}
