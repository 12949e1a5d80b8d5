package devicetest

import (
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// Online waits until d is.
func Online(t *testing.T, d device.Watcher) {
	t.Helper()
	changes := d.Changes(t.Context())
	late := time.After(time.Minute)
	for d.Health() != device.Online {
		select {
		case <-changes:
		case <-late:
			t.Fatalf("Health = %v for a minute, want online", d.Health())
		}
	}
}
