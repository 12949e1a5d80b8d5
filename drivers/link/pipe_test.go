package link_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// TestPipe holds the line in memory to the same contract, in faked time.
func TestPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, dev := link.Pipe("pipe", 4)
		start := time.Now()
		if err := host.SetReadDeadline(start.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := host.Read(make([]byte, 1)); !errors.Is(err, device.ErrTimeout) || time.Since(start) != time.Second {
			t.Errorf("Read = %v after %v, want ErrTimeout after 1s", err, time.Since(start))
		}
		if err := host.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := host.Write([]byte("abcdef")); n != 4 || !errors.Is(err, device.ErrTimeout) {
			t.Errorf("Write = %d, %v, want 4 and ErrTimeout", n, err)
		}
		b := make([]byte, 8)
		if n, err := dev.Read(b); string(b[:n]) != "abcd" || err != nil {
			t.Errorf("Read = %q, %v, want abcd", b[:n], err)
		}
		// A deadline set while a Read waits ends it; one put off does not.
		if err := host.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		read := make(chan error, 1)
		go func() { _, err := host.Read(b); read <- err }()
		synctest.Wait()
		if err := host.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		select {
		case err := <-read:
			t.Errorf("Read = %v after 30s, want it to wait for a minute", err)
		default:
		}
		if err := host.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if err := <-read; !errors.Is(err, device.ErrTimeout) {
			t.Errorf("Read = %v, want ErrTimeout", err)
		}
		if err := dev.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := host.Read(b); !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Read = %v, want ErrUnplugged", err)
		}
		if _, err := host.Write(b); !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Write = %v, want ErrUnplugged", err)
		}
	})
}
